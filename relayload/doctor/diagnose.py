"""A visit to the target of a profile: a handful of requests, one after the other, and what they tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice

import msgspec

from relayload.core.wire.form import Form
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.doctor.answers import (
    look_at_answer,
    look_at_stream,
    streams_alone,
    tell_streams_alone,
    tell_streams_only,
)
from relayload.doctor.findings import Diagnosis, Findings, State
from relayload.doctor.forms import answered, is_answer, other_forms, tell_form
from relayload.doctor.headers import look_at_clock, look_at_headers
from relayload.doctor.preflight import FirstLook, Seen, listed_models
from relayload.doctor.questions import MOST_QUESTIONS, MOST_TRIES, Question, questions, small_requests
from relayload.doctor.redirect import REDIRECTS
from relayload.doctor.refusals import Known
from relayload.document.validation import nearest
from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile
from relayload.profile.target import Target
from relayload.transport.drivers import Options
from relayload.transport.http_log import HttpLog
from relayload.transport.probe_client import TLS, ProbeClient, Reply, TargetUnreachable

_PATIENCE_S = 120.0
"""For one whole answer: reasoning takes its time."""
_LIMITED = 429


def diagnose(profile: Profile, http_log: HttpLog | None = None) -> Diagnosis:
    """Visit each target; a fake one is started for it. `http_log` writes down what is asked and answered."""
    visits = [_visited(profile, name, target, http_log) for name, target in profile.named_targets.items()]
    return Diagnosis(
        profile=profile.name,
        base_urls={name: target.base_url for name, target in profile.named_targets.items()},
        requests=sum(visit.requests for visit in visits),
        findings=tuple(finding for visit in visits for finding in visit.findings.found),
    )


def _visited(profile: Profile, name: str, target: Target, http_log: HttpLog | None) -> "_Visit":
    with _base_url(target) as base_url:
        visit = _Visit(profile, name, target, base_url, http_log)
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

    def __init__(
        self, profile: Profile, name: str, target: Target, base_url: str, http_log: HttpLog | None = None
    ) -> None:
        self._profile = profile
        self._target = target
        self._base_url = base_url
        self._place = ("targets", name) if profile.targets else ("target",)
        key = target.api_key.reveal()
        options: Options = {**target.options, "http_log": http_log}
        self._probe_client = ProbeClient(key, options, timeout_s=_PATIENCE_S, hidden=profile.scenario_secrets)
        self._known = Known(base_url, key, profile.client_policy(target).classifier)
        self._form = target.form
        self._is_taken = False  # by a model, in that form
        self._has_answered = False  # any model
        self._tries_left = MOST_TRIES
        self._replies: list[Reply] = []
        self.findings = Findings(profile, name, self._place, self._probe_client.secrets)

    @property
    def requests(self) -> int:
        """That were sent."""
        return len(self._probe_client.sent)

    def pay(self) -> None:
        """Look at everything, and no further once nothing can be learnt."""
        try:
            seen = self._first_look()
        except TargetUnreachable as unreachable:
            self._tell_unreachable(unreachable)
            return
        try:
            self._ask_all()
        except TargetUnreachable as unreachable:
            self._tell_unreachable(unreachable)
        else:
            self._look_beside()
        self._welcome(seen)

    def _look_beside(self) -> None:
        """At the headers: those of a gateway's own error page say nothing of the relay."""
        telling = [each for each in self._replies if 200 <= each.status < 300 or each.status == _LIMITED]
        if telling:
            look_at_headers(self._profile, telling, self.findings)
            look_at_clock(telling[-1], self.findings)

    def _first_look(self) -> Seen:
        known, path = self._known, ".".join(self._place)
        first = FirstLook(self._base_url, self._probe_client, known.api_key, path, known.classifier)
        seen = first.look(lambda: small_requests(self._profile, self._target))
        self._replies.append(seen.models)
        for caution in self._target.cautions:
            self.findings.warning("tls", caution, self.findings.at(TLS))
        self._known = replace(known, listed=self._listed(seen.models))
        return seen

    def _ask_all(self) -> None:
        asked = questions(self._profile, self._target)
        for question in asked[:MOST_QUESTIONS]:
            self._ask(question)
            if self._replies[-1].status in REDIRECTS:
                return
        if len(asked) > MOST_QUESTIONS:
            self.findings.note("model", f"only {MOST_QUESTIONS} of {len(asked)} models and endpoints were asked")

    def _tell_unreachable(self, unreachable: TargetUnreachable) -> None:
        self.findings.fault("target", str(unreachable).removeprefix("target "), self.findings.at(unreachable.key))

    def _welcome(self, seen: Seen) -> None:
        """What is known of the target, and no more: that it takes the key, an answer of a model proves alone."""
        reply = seen.reply
        if self._has_answered:
            self.findings.first(State.OK, f"{self._base_url} is there, and takes the key")
        elif 200 <= reply.status < 300:
            self.findings.first(State.OK, f"{self._base_url} is there, and answers {seen.asked}")
        else:
            answer = f"{seen.asked} with {reply.status}{self.findings.said(reply)}"
            self.findings.first(State.NOTE, f"{self._base_url} answers {answer}, which says nothing of the key")

    def _listed(self, reply: Reply) -> tuple[str, ...]:
        """The models that the relay lists, if it does."""
        listed = listed_models(reply)
        if listed is None:
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

    def _ask(self, question: Question) -> None:
        common = self._form
        answered_at_all = self._ask_in_form(question)
        if self._is_taken:
            self._form = common
        elif question.endpoint is not Endpoint.EMBEDDINGS:
            self._is_taken = answered_at_all

    def _ask_in_form(self, question: Question) -> bool:
        """Whether it was answered, in one form or another."""
        request, plain = self._answer(question, stream=False)
        if question.streams and (plain.status >= 500 or streams_alone(question, plain)):
            return self._ask_for_streams_alone(question, request, plain)
        with self.findings.about(request):
            look_at_answer(question, plain, self.findings, self._known)
        in_one_piece = answered(question, plain, stream=False)
        if question.streams and plain.status == 200 and not plain.cut:
            self._look_at_stream(question, *self._answer(question, stream=True), in_one_piece=in_one_piece)
        return in_one_piece

    def _ask_for_streams_alone(self, question: Question, request: WireRequest, plain: Reply) -> bool:
        """Where nothing comes in one piece, a stream may, which is all that the load wants."""
        streaming, reply = self._answer(question, stream=True)
        comes = answered(question, reply, stream=True)
        with self.findings.about(request):
            if streams_alone(question, plain):
                tell_streams_alone(question, plain, self.findings)
                comes = True
            elif comes:
                tell_streams_only(question, plain, self.findings)
            else:
                look_at_answer(question, plain, self.findings, self._known, either_way=True)
        if comes:
            self._look_at_stream(question, streaming, reply, in_one_piece=False)
        return comes

    def _look_at_stream(self, question: Question, request: WireRequest, reply: Reply, *, in_one_piece: bool) -> None:
        with self.findings.about(request):
            look_at_stream(question, reply, self.findings, self._known, in_one_piece=in_one_piece)

    def _answer(self, question: Question, *, stream: bool) -> tuple[WireRequest, Reply]:
        """In the form that the target has, or in one that the relay takes: so more can be learnt of it."""
        request, first = self._asked(question, self._form, stream=stream)
        for form in islice(other_forms(self._form, question, first, stream=stream), self._tries_left):
            self._tries_left -= 1
            other, reply = self._asked(question, form, stream=stream)
            if answered(question, reply, stream=stream):
                with self.findings.about(request):
                    tell_form(question, self._form, form, first, self.findings, alone=not self._is_taken)
                self._form = form
                return other, reply
        return request, first

    def _asked(self, question: Question, form: Form, *, stream: bool) -> tuple[WireRequest, Reply]:
        request = question.request(stream=stream, form=form)
        body = msgspec.json.encode(request.body)
        reply = self._probe_client.exchange(self._base_url, "POST", request.path, body, request.headers)
        self._replies.append(reply)
        self._has_answered = self._has_answered or is_answer(question, reply, stream=stream)
        return request, reply
