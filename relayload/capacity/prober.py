"""Sends probes: single small requests, as the first scenario of a profile sends them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Event, Thread

import msgspec

from relayload import clock
from relayload.core.capacity.recovery import Probe
from relayload.core.price import price_of
from relayload.core.wire.answers import MalformedAnswer, Tokens
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.response_limits import TooLarge
from relayload.doctor.answers import streamed
from relayload.doctor.questions import BUDGET, Question, questions
from relayload.profile import Profile
from relayload.transport.probe_client import ProbeClient, Reply, TargetUnreachable

_POLL_S = 0.1
_TOKENS = 16
"""The most tokens of an answer: the fewest that OpenAI's API takes, since only the first of them tells."""


class Prober:
    """Probes the only target of a profile."""

    def __init__(self, profile: Profile, fakes: Mapping[str, str]) -> None:
        """`fakes` are the base URLs of fake relays that run, by the name of their target."""
        ((name, target),) = profile.named_targets.items()
        self._base_url = fakes.get(name, target.base_url)
        self._question = _short(questions(profile, target)[0])
        self._request = self._question.request(stream=self._question.streams, form=target.form)
        self._price = price_of(self._question.model, target.known_prices)
        (key, *_) = target.named_keys.values()
        self._client = ProbeClient(key, target.options, hidden=profile.scenario_secrets)

    def probe(self, within_s: float, given_up: Callable[[], bool]) -> Probe:
        """Send one, and wait for its answer; it fails if that is late or nobody waits any longer."""
        found: list[Probe] = []
        ended = Event()

        def send() -> None:
            found.append(self._sent(within_s))
            ended.set()

        Thread(target=send, daemon=True).start()  # aside, since a signal must not wait for an answer
        until_s = clock.now_s() + within_s
        while not (ended.wait(_POLL_S) or given_up() or clock.now_s() > until_s):
            continue
        return found[0] if found else Probe()

    def _sent(self, within_s: float) -> Probe:
        request, body = self._request, msgspec.json.encode(self._request.body)
        client = self._client.with_timeout(within_s)
        try:
            reply = client.exchange(self._base_url, "POST", request.path, body, request.headers)
        except TargetUnreachable:
            return Probe()
        if reply.status != 200 or reply.cut:
            return Probe(status=reply.status)
        try:
            latency_s, tokens = _streamed(self._question, reply) if self._question.streams else self._whole(reply)
        except (TooLarge, MalformedAnswer):
            return Probe(status=reply.status)
        paid = self._price.usd_of(tokens.input or 0, tokens.output or 0) if self._price else 0.0
        return Probe(latency_s=latency_s, status=reply.status, usd=float(paid))

    def _whole(self, reply: Reply) -> tuple[float | None, Tokens]:
        answer = FORMATS[self._question.endpoint].read_answer(reply.body, self._request)
        return (None if answer.flaw else reply.took_s), answer.tokens


def _short(question: Question) -> Question:
    """Return the question with a smaller budget, unless it is of a kind that needs room."""
    if question.budget is None or question.budget > BUDGET:
        return question
    return replace(question, budget=min(_TOKENS, question.budget))


def _streamed(question: Question, reply: Reply) -> tuple[float | None, Tokens]:
    stream = streamed(question, reply)
    first_at_s = stream.first_token_at_s
    return (None if first_at_s is None else first_at_s - reply.began_at_s), stream.tokens
