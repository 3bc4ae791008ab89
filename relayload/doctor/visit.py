"""A visit to the target of a profile: a handful of requests, one after the other, and what they tell."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from relayload.core.wire.form import Form
from relayload.core.wire.request import Endpoint
from relayload.doctor.answers import look_at_answer, look_at_stream, streams_alone, tell_streams_alone
from relayload.doctor.findings import Diagnosis, Findings
from relayload.doctor.forms import answered, other_forms, tell_form
from relayload.doctor.headers import look_at_clock, look_at_headers
from relayload.doctor.preflight import preflight
from relayload.doctor.questions import MOST_QUESTIONS, MOST_TRIES, Question, questions
from relayload.document.validation import nearest
from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile
from relayload.profile.target import Target
from relayload.transport.asking import TLS, Asker, Reply, TargetUnreachable, read_json

_PATIENCE_S = 120.0
"""For one whole answer: reasoning takes its time."""
_MOST_MODELS = 5000
_NAME_LENGTH = 200


def diagnose(profile: Profile) -> Diagnosis:
    """Visit each target; a fake one is started for it."""
    visits = [_visited(profile, name, target) for name, target in profile.named_targets.items()]
    return Diagnosis(
        profile=profile.name,
        base_urls={name: target.base_url for name, target in profile.named_targets.items()},
        requests=sum(visit.requests for visit in visits),
        findings=tuple(finding for visit in visits for finding in visit.findings.found),
    )


def _visited(profile: Profile, name: str, target: Target) -> "_Visit":
    with _base_url(target) as base_url:
        visit = _Visit(profile, name, target, base_url)
        visit.pay()
        return visit


@contextmanager
def _base_url(target: Target) -> Iterator[str]:
    if target.fake_preset is None:
        yield target.base_url
        return
    with FakeRelay.start(target.fake_preset, api_key=target.api_key.reveal()) as relay:
        yield relay.base_url


class _Visit:
    """One visit."""

    def __init__(self, profile: Profile, name: str, target: Target, base_url: str) -> None:
        self._profile = profile
        self._target = target
        self._base_url = base_url
        self._place = ("targets", name) if profile.targets else ("target",)
        self._asker = Asker(target.api_key.reveal(), target.options, timeout_s=_PATIENCE_S)
        self._form = target.form
        self._is_taken = False  # by a model, in that form
        self._tries_left = MOST_TRIES
        self._replies: list[Reply] = []
        self.findings = Findings(profile, name, self._place, self._asker.secrets)
        self.requests = 0

    def pay(self) -> None:
        """Look at everything, and no further once nothing can be learnt."""
        try:
            key = self._target.api_key.reveal()
            preflight(self._base_url, key, self._target.options, path=".".join(self._place))
            self._welcomed()
            listed = self._listed()
            asked = questions(self._profile, self._target)
            for question in asked[:MOST_QUESTIONS]:
                self._ask(question, listed)
        except TargetUnreachable as unreachable:
            self.findings.fault("target", str(unreachable), self.findings.at(unreachable.key))
            return
        if len(asked) > MOST_QUESTIONS:
            self.findings.note("model", f"only {MOST_QUESTIONS} of {len(asked)} models and endpoints were asked")
        look_at_headers(self._profile, self._replies, self.findings)
        look_at_clock(self._replies[-1], self.findings)

    def _welcomed(self) -> None:
        self.findings.ok("target", f"{self._base_url} is there, and takes the key")
        for caution in self._target.cautions:
            self.findings.warning("tls", caution, self.findings.at(TLS))

    def _listed(self) -> tuple[str, ...]:
        """The models that the relay lists, if it does."""
        reply = self._exchanged("GET", "/models")
        try:
            listed = tuple(str(model["id"])[:_NAME_LENGTH] for model in read_json(reply.body)["data"][:_MOST_MODELS])
        except (ValueError, LookupError, TypeError, RecursionError):
            self.findings.note("model", "the relay does not list its models")
            return ()
        self._look_up(listed)
        return listed

    def _look_up(self, listed: tuple[str, ...]) -> None:
        for name, scenario in self._profile.scenarios.items():
            for model in scenario.models:
                called = self._target.models.get(model, model)
                if called not in listed:
                    message = f"'{called}' is not among the {len(listed)} models that the relay lists"
                    hint = nearest(called, listed) if len(listed) <= 20 else ""
                    self.findings.warning("model", message + hint, ("scenarios", name, "model"))

    def _ask(self, question: Question, listed: tuple[str, ...]) -> None:
        common = self._form
        answered_at_all = self._ask_in_form(question, listed)
        if self._is_taken:
            self._form = common
        elif question.endpoint is not Endpoint.EMBEDDINGS:
            self._is_taken = answered_at_all

    def _ask_in_form(self, question: Question, listed: tuple[str, ...]) -> bool:
        """Whether it was answered, in one form or another."""
        plain = self._answer(question, stream=False)
        in_streams = streams_alone(question, plain)
        if in_streams:
            tell_streams_alone(question, plain, self.findings)
        else:
            look_at_answer(question, plain, self.findings, listed)
        if in_streams or (plain.status == 200 and not plain.cut and question.streams):
            look_at_stream(question, self._answer(question, stream=True), self.findings, listed)
        return in_streams or answered(question, plain, stream=False)

    def _answer(self, question: Question, *, stream: bool) -> Reply:
        """In the form that the target has, or in one that the relay takes: so more can be learnt of it."""
        first = self._asked(question, self._form, stream=stream)
        for form in islice(other_forms(self._form, question, first, stream=stream), self._tries_left):
            self._tries_left -= 1
            reply = self._asked(question, form, stream=stream)
            if answered(question, reply, stream=stream):
                tell_form(question, self._form, form, first, self.findings, alone=not self._is_taken)
                self._form = form
                return reply
        return first

    def _asked(self, question: Question, form: Form, *, stream: bool) -> Reply:
        request = question.request(stream=stream, form=form)
        return self._exchanged("POST", question.endpoint.path, json.dumps(request.body).encode())

    def _exchanged(self, method: str, path: str, body: bytes | None = None) -> Reply:
        self.requests += 1
        reply = self._asker.exchange(self._base_url, method, path, body)
        self._replies.append(reply)
        return reply
