"""One search against one target, from its first request to its result."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import gevent
from gevent.event import Event
from msgspec import structs

from relayload import clock
from relayload.core.exit_codes import ExitCode
from relayload.core.limits.findings import Limits
from relayload.core.limits.observation import Seen, Stopped, Verdict
from relayload.core.limits.search import Search
from relayload.core.limits.steps import carry_out
from relayload.core.units import format_duration
from relayload.ending_signals import ending_signals, no_wait_hint
from relayload.engine.targets import TargetHost
from relayload.limits.asker import LAST_ANSWERS_S, Asked, Asker
from relayload.limits.caps import Caps, models_of, terms_of
from relayload.profile import Profile
from relayload.profile.target import Target
from relayload.transport import Transport
from relayload.transport.drivers import new_transport
from relayload.transport.http_log import HttpLog
from relayload.transport.probe_client import TargetUnreachable


@dataclass(frozen=True, slots=True)
class Session:
    """What is to be searched."""

    profile: Profile
    name: str
    target: Target
    caps: Caps
    tokens: bool = True
    http_log: HttpLog | None = None
    tell: Callable[[str], None] = field(default=lambda _: None)
    """Gets a line about everything that begins or is found."""

    def search(self) -> Limits:
        """Search and return what was found, whatever ended it. Raises TargetUnreachable before the first volley."""
        only = (
            self.profile.model_copy(update={"targets": {self.name: self.target}})
            if self.profile.targets
            else self.profile
        )
        host = TargetHost(only, {}, self.http_log)
        try:
            return self._search(host.base_urls()[self.name])
        finally:
            host.stop()

    def _search(self, base_url: str) -> Limits:
        models, keys = models_of(self.profile, self.target), self.target.named_keys
        transports = self._transports(base_url)
        with _interruptible(self.tell) as ended:
            asker = self._asker(models, transports, ended.event)
            search = Search(
                terms_of(self.caps, len(models), len(keys), tokens=self.tokens),
                lambda line: self.tell(f"{_spent(asker, self.caps)}: {line}"),
            )
            try:
                first = self._opened(asker, base_url)
                carry_out(search.steps(clock.now_s(), first), asker.carry_out)
            except Stopped as stopped:
                search.ended_by = str(stopped)
            finally:
                for transport in transports:
                    transport.close()
        found = search.found()
        return structs.replace(
            found,
            profile=self.profile.name,
            target=self.target.base_url,
            models=models[:2],
            keys=self.target.key_names[:2],
            notes=(*found.notes, *((asker.hint,) if asker.hint else ()), *self._left_out(len(models), len(keys))),
            requests=asker.requests,
            tokens=asker.tokens,
            usd=None if self.caps.price is None else round(asker.usd, 6),
            took_s=round(clock.now_s() - asker.began_at_s, 3),
            exit_code=int(ended.code or _exit_code(found)),
        )

    def _asker(self, models: tuple[str, ...], transports: list[Transport], interrupted: Event) -> Asker:
        first = next(iter(self.profile.scenarios.values()))
        headers = {name: value.reveal() for name, value in first.headers.items()}
        asked = Asked(first.endpoint, models, self.target.form, headers)
        classifier = self.profile.client_policy(self.target).classifier
        return Asker(asked, transports, classifier, self.profile.timeouts, self.caps, interrupted)

    def _transports(self, base_url: str) -> list[Transport]:
        options = {**self.target.options, "limits": self.profile.response_limits, "http_log": self.http_log}
        keys = list(self.target.named_keys.values())[:2]
        return [new_transport("native", base_url, key, **options) for key in keys]  # type: ignore[arg-type]

    def _opened(self, asker: Asker, base_url: str) -> Sequence[Seen]:
        """Ask for a first answer, since a relay that fails has no limits to be found."""
        first = asker.open()
        if first.verdict is Verdict.FAILED:
            advice = "relayload doctor says what to change in the profile"
            raise TargetUnreachable(f"target {base_url} does not answer the shortest request: {first.reason}. {advice}")
        return [first]

    def _left_out(self, models: int, keys: int) -> Iterator[str]:
        if models > 2:
            yield f"2 of {models} models were asked"
        if keys > 2:
            yield f"2 of {keys} keys were asked"
        if not self.tokens:
            yield "limits of tokens were not looked for"


def _spent(asker: Asker, caps: Caps) -> str:
    cost = "" if caps.usd is None else f", ${asker.usd:.4f}"
    requests = "1 request" if asker.requests == 1 else f"{asker.requests:,} requests"
    return f"{format_duration(clock.now_s() - asker.began_at_s)}, {requests}{cost}"


def _exit_code(found: Limits) -> ExitCode:
    if not found.ended_by:
        return ExitCode.PASS
    return ExitCode.GUARDRAIL if found.ended_by.startswith("--") else ExitCode.UNPROVEN


@dataclass(slots=True)
class _Ended:
    event: Event
    code: ExitCode | None = None


@contextmanager
def _interruptible(tell: Callable[[str], None]) -> Iterator[_Ended]:
    """Have Ctrl-C, SIGTERM and SIGHUP end the search in order, which is told; a second one ends the process."""
    ended = _Ended(Event())

    def end(number: signal.Signals) -> None:
        ended.code = signals[number]
        tell(f"ending the search; what is in flight may take {LAST_ANSWERS_S:g}s{no_wait_hint(ended.code)}")
        ended.event.set()
        for handler in handlers:
            handler.cancel()

    signals = ending_signals()
    handlers = [gevent.signal_handler(number, end, number) for number in signals]
    try:
        yield ended
    finally:
        for handler in handlers:
            handler.cancel()
