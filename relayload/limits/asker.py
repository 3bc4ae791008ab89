"""Carries out the steps of a search: sends volleys of small requests, within caps, and says what came back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import gevent
from gevent.event import Event
from gevent.lock import Semaphore

from relayload import clock
from relayload.core.limits.observation import Pause, Seen, Stopped, Verdict, Volley
from relayload.core.limits.stated import stated
from relayload.core.model.record import Attempt, FailureKind
from relayload.core.resilience.classify import AttemptSignals, Classifier
from relayload.core.resilience.dialects import classifier
from relayload.core.resilience.retry_after import retry_after_s
from relayload.core.traffic.prose import Prose
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import Form
from relayload.core.wire.formats import new_request
from relayload.core.wire.request import Endpoint, RelayFault, Timeouts, WireRequest
from relayload.limits.caps import Caps
from relayload.transport import Answer, Transport

_SHORTEST_TOKENS = 3
"""The words of the shortest prompt: each is another one, so that no cache answers it."""
_OVERHEAD_TOKENS = 8
_ANSWER_S = 60.0
"""The longest wait for one answer."""
_LOOK_S = 0.2
"""How often a wait looks whether a person wants an end."""
LAST_ANSWERS_S = 3.0
_FEWEST = 3
"""Fewer answers than that may be chance."""
_NO_FAULT = RelayFault()
_APISIX = classifier("apisix")
_VERDICTS: Mapping[FailureKind, Verdict] = {
    FailureKind.OK: Verdict.ADMITTED,
    FailureKind.CONTENT_FILTERED: Verdict.ADMITTED,
    FailureKind.RATE_LIMITED: Verdict.REFUSED,
    FailureKind.OVERLOADED: Verdict.OVERLOADED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What requests are about."""

    endpoint: Endpoint
    models: Sequence[str]
    form: Form
    headers: Mapping[str, str]
    least_output_tokens: int = 1
    """The smallest budget that the relay accepts."""

    def request(self, volley: Volley, prompt: str) -> WireRequest:
        """Return one request of a volley."""
        model, headers = self.models[volley.model], dict(self.headers)
        if volley.malformed:
            return WireRequest(self.endpoint, {"model": model}, headers)
        if self.endpoint is Endpoint.EMBEDDINGS:
            return embeddings_request(model, [prompt], headers=headers)
        return new_request(self.endpoint)(
            model,
            [{"role": "user", "content": prompt}],
            stream=False,
            max_output_tokens=max(volley.output_tokens, self.least_output_tokens),
            headers=headers,
            form=self.form,
        )


class Asker:
    """Sends what a search wants to know, each key over a transport of its own."""

    def __init__(
        self,
        asked: Asked,
        transports: Sequence[Transport],
        classifier: Classifier,
        timeouts: Timeouts,
        caps: Caps,
        interrupted: Event,
    ) -> None:
        """`interrupted` is set when a person wants the search to end."""
        self.asked = asked
        self._transports = transports
        self._classifier = classifier
        self._timeouts = replace(timeouts, total_s=min(timeouts.total_s or _ANSWER_S, _ANSWER_S))
        self._caps = caps
        self._interrupted = interrupted
        self._prose, self._rng = Prose("limits"), Random("limits")
        self._expected: dict[int, int] = {}
        self.began_at_s = clock.now_s()
        self.requests = self.tokens = 0
        self.usd = 0.0
        self._overloaded = self._overloaded_at_zero = 0

    def carry_out(self, step: Volley | Pause) -> tuple[float, Sequence[Seen]]:
        """Carry out a step; return the time and what was seen of it. Raises Stopped if a cap or a person ended it."""
        if isinstance(step, Pause):
            self._sleep_until(step.until_s)
            return clock.now_s(), ()
        seen = self._volley(step)
        return clock.now_s(), sorted(seen, key=lambda each: each.at_s)

    def open(self) -> Seen:
        """Send the first request, with larger budgets if the relay accepts none so small; return what was seen."""
        for least in (1, 16, 64):
            self.asked = replace(self.asked, least_output_tokens=least)
            _, (seen,) = self.carry_out(Volley(requests=1))
            if seen.verdict is not Verdict.FAILED:
                break
        return seen

    def _volley(self, volley: Volley) -> list[Seen]:
        seen: list[Seen] = []
        free = Semaphore(volley.at_once)
        greenlets: list[gevent.Greenlet] = []
        first_at_s = next_at_s = clock.now_s()
        for _ in range(volley.requests):
            while not free.acquire(timeout=_LOOK_S) and not self._interrupted.is_set():
                pass
            if volley.until_refused and any(each.refused for each in seen):
                break
            if (reason := self._over(volley, len(greenlets) - len(seen))) is not None:
                if not greenlets:
                    raise Stopped(reason)
                break
            if next_at_s > clock.now_s():
                gevent.sleep(next_at_s - clock.now_s())
            next_at_s = max(next_at_s, clock.now_s()) + volley.gap_s if volley.gap_s else next_at_s
            greenlets.append(self._sent(volley, seen, free.release))
        if volley.late_s is not None:
            gevent.sleep(max(0.0, first_at_s + volley.late_s - clock.now_s()))
            greenlets.append(self._sent(volley.late or volley, seen, free.release))
        self._await(greenlets)
        return seen

    def _sent(self, volley: Volley, seen: list[Seen], release: Callable[[], object]) -> gevent.Greenlet:
        self.requests += 1
        greenlet: gevent.Greenlet = gevent.spawn(self._ask, volley, seen, release)
        return greenlet

    def _await(self, greenlets: Sequence[gevent.Greenlet]) -> None:
        """Wait for all answers; for those in flight no longer than a few seconds once a person wants an end."""
        while not all(greenlet.ready() for greenlet in greenlets):
            gevent.joinall(greenlets, timeout=_LOOK_S)
            if self._interrupted.is_set():
                gevent.joinall(greenlets, timeout=LAST_ANSWERS_S)
                gevent.killall(greenlets)
        gevent.joinall(greenlets, raise_error=True)

    def _over(self, volley: Volley, in_flight: int) -> str | None:
        """Return why no more may be sent, counting what those in flight may still use; None if they may."""
        tokens = self.tokens + (in_flight + 1) * self._tokens(volley)
        if self._interrupted.is_set():
            return "interrupted"
        if self.requests >= self._caps.requests:
            return f"--max-requests was reached: {self._caps.requests:,}"
        if tokens > self._caps.tokens:
            return f"--max-tokens was reached: {self._caps.tokens:,}"
        if clock.now_s() - self.began_at_s >= self._caps.time_s:
            return self._out_of_time()
        if self._caps.usd is not None and self._usd(tokens) > float(self._caps.usd):
            return f"--max-usd was reached: ${self._caps.usd:f}"
        return None

    def _out_of_time(self) -> str:
        return f"--max-time was reached: {self._caps.time_s:g}s"

    def _usd(self, tokens: int) -> float:
        """Return what so many tokens cost at most."""
        price = self._caps.price
        dearest = 0.0 if price is None else float(max(price.input, price.output))
        return self.usd + (tokens - self.tokens) * dearest / 1e6

    def _sleep_until(self, until_s: float) -> None:
        if until_s - self.began_at_s > self._caps.time_s:
            raise Stopped(self._out_of_time())
        if self._interrupted.wait(max(0.0, until_s - clock.now_s())):
            raise Stopped("interrupted")

    def _ask(self, volley: Volley, seen: list[Seen], release: Callable[[], object]) -> None:
        called_at_s = clock.now_s()
        prompt = self._prose.unique(volley.input_tokens or _SHORTEST_TOKENS, self._rng)
        answer = self._transports[volley.key].send(self.asked.request(volley, prompt), self._timeouts)
        seen.append(self._seen(volley, answer, called_at_s))
        release()

    def _seen(self, volley: Volley, answer: Answer, called_at_s: float) -> Seen:
        attempt, fault = answer.attempt, answer.fault or _NO_FAULT
        kind = self._classifier.classify(_signals(answer))
        verdict = _VERDICTS.get(kind, Verdict.FAILED)
        said = stated(answer.headers)
        self._note_overload(answer, verdict, none_left=any(each.remaining == 0 for each in said))
        tokens = self._tokens(volley)
        if verdict is Verdict.ADMITTED:
            tokens = (attempt.input_tokens or 0) + (attempt.output_tokens or 0) or tokens
            self._expected[volley.input_tokens] = tokens
            self._spend(attempt, tokens)
        sent_at_s = called_at_s if attempt.sent_at_s is None else attempt.sent_at_s
        limited = verdict is Verdict.REFUSED
        wall_s = clock.wall_ns() * 1e-9
        return Seen(
            at_s=sent_at_s,
            answered_at_s=sent_at_s + (attempt.send_s or 0.0) + (attempt.waiting_s or 0.0),
            verdict=verdict,
            tokens=tokens,
            model=volley.model,
            key=volley.key,
            retry_after_s=retry_after_s(answer.headers, fault.retry_after_s, limited=True, wall_s=wall_s)
            if limited
            else None,
            stated=said,
            reason="" if verdict is Verdict.ADMITTED else _reason(attempt, kind),
        )

    @property
    def hint(self) -> str:
        """What the profile should say, by what came back; empty if nothing."""
        if self._overloaded_at_zero < _FEWEST or self._overloaded_at_zero < self._overloaded / 2:
            return ""
        return "503s say that a rate limit has nothing left: if they are refusals, write target.dialect: apisix"

    def _note_overload(self, answer: Answer, verdict: Verdict, *, none_left: bool) -> None:
        if verdict is Verdict.OVERLOADED:
            self._overloaded += 1
            refused = _APISIX.classify(_signals(answer)) is FailureKind.RATE_LIMITED
            self._overloaded_at_zero += none_left and refused

    def _spend(self, attempt: Attempt, tokens: int) -> None:
        self.tokens += tokens
        if self._caps.price is not None:
            cached, reasoning = attempt.cached_input_tokens or 0, attempt.reasoning_tokens or 0
            input_tokens, output_tokens = attempt.input_tokens or tokens, attempt.output_tokens or 0
            self.usd += float(self._caps.price.usd_of(input_tokens, output_tokens, cached, reasoning))

    def _tokens(self, volley: Volley) -> int:
        """Return what a request of that volley is expected to use."""
        size = volley.input_tokens or _SHORTEST_TOKENS
        return self._expected.get(volley.input_tokens, size + _OVERHEAD_TOKENS + volley.output_tokens)


def _signals(answer: Answer) -> AttemptSignals:
    attempt, fault = answer.attempt, answer.fault or _NO_FAULT
    return AttemptSignals(
        attempt.status,
        attempt.error,
        attempt.finish_reason,
        fault.code,
        fault.type,
        fault.message,
        answer.headers,
        fault.retry_after_s,
    )


def _reason(attempt: Attempt, kind: FailureKind) -> str:
    said = f" ({attempt.relay_message})" if attempt.relay_message else ""
    what = f"status {attempt.status}" if attempt.status is not None else attempt.error or kind.value
    return f"{what}, {kind.value.replace('_', ' ')}{said}"
