"""Diagnoses the targets of a profile with a handful of requests, one after the other."""

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
    note_only_streams,
    note_plain_failure,
    streams_alone,
)
from relayload.doctor.findings import Diagnosis, Findings, State
from relayload.doctor.forms import add_form, answered, is_answer, other_forms
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
"""The longest wait for one whole answer, since reasoning takes time."""
_LIMITED = 429


def diagnose(profile: Profile, http_log: HttpLog | None = None) -> Diagnosis:
    """Examine each target, after starting those that are fake relays. `http_log` writes down the HTTP exchanges."""
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
        visit.run()
        return visit


@contextmanager
def _base_url(target: Target) -> Iterator[str]:
    if target.fake_preset is None:
        yield target.base_url
        return
    with FakeRelay.start(target.fake_preset, api_key=" ".join(target.named_keys.values())) as relay:
        yield relay.base_url


class _Visit:
    """Examines one target."""

    def __init__(
        self, profile: Profile, name: str, target: Target, base_url: str, http_log: HttpLog | None = None
    ) -> None:
        self._profile = profile
        self._target = target
        self._base_url = base_url
        self._place = ("targets", name) if profile.targets else ("target",)
        (key_name, key), *self._other_keys = target.named_keys.items()
        options: Options = {**target.options, "http_log": http_log}
        self._probe_client = ProbeClient(key, options, timeout_s=_PATIENCE_S, hidden=profile.scenario_secrets)
        self._known = Known(base_url, key, profile.client_policy(target).classifier, target.key_path(key_name))
        self._form = target.form
        self._is_taken = False  # whether a model has accepted this form
        self._has_answered = False  # whether any model has answered
        self._tries_left = MOST_TRIES
        self._replies: list[Reply] = []
        self.findings = Findings(profile, name, self._place, self._probe_client.secrets)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return len(self._probe_client.sent)

    def run(self) -> None:
        """Examine everything, until a fault makes further requests pointless."""
        try:
            seen = self._first_look()
        except TargetUnreachable as unreachable:
            self._add_unreachable(unreachable)
            return
        try:
            self._ask_all()
        except TargetUnreachable as unreachable:
            self._add_unreachable(unreachable)
        else:
            self._look_at_headers()
        self._add_summary(seen)
        self._look_at_other_keys()

    def _look_at_other_keys(self) -> None:
        """Ask whether the keys after the first are taken, with which everything else is examined."""
        for name, key in self._other_keys:
            probe_client = self._probe_client.with_key(key)
            key_path, path = self._target.key_path(name), ".".join(self._place)
            first = FirstLook(self._base_url, probe_client, key, path, self._known.classifier, key_path)
            try:
                first.look(lambda: small_requests(self._profile, self._target))
            except TargetUnreachable as unreachable:
                self._add_unreachable(unreachable)

    def _look_at_headers(self) -> None:
        """Examine the headers of answers, except errors, since a gateway's error page says nothing about the relay."""
        sound = [each for each in self._replies if 200 <= each.status < 300 or each.status == _LIMITED]
        if sound:
            look_at_headers(self._profile, sound, self.findings)
            look_at_clock(sound[-1], self.findings)

    def _first_look(self) -> Seen:
        known, path = self._known, ".".join(self._place)
        first = FirstLook(self._base_url, self._probe_client, known.api_key, path, known.classifier, known.key_path)
        seen = first.look(lambda: small_requests(self._profile, self._target))
        self._replies.append(seen.models)
        for caution in self._target.cautions:
            self.findings.warning("tls", caution, self.findings.at(TLS))
        self._known = replace(known, listed=self._listed(seen.models))
        return seen

    def _ask_all(self) -> None:
        every = questions(self._profile, self._target)
        for question in every[:MOST_QUESTIONS]:
            self._ask(question)
            if self._replies[-1].status in REDIRECTS:
                return
        if len(every) > MOST_QUESTIONS:
            self.findings.note("model", f"only {MOST_QUESTIONS} of {len(every)} models and endpoints were asked")

    def _add_unreachable(self, unreachable: TargetUnreachable) -> None:
        self.findings.fault("target", str(unreachable).removeprefix("target "), self.findings.at(unreachable.key))

    def _add_summary(self, seen: Seen) -> None:
        """Add what is known of the target as a whole. Only an answer of a model proves that it takes the key."""
        reply = seen.reply
        if self._has_answered:
            self.findings.first(State.OK, f"{self._base_url} is there, and takes the key")
        elif 200 <= reply.status < 300:
            self.findings.first(State.OK, f"{self._base_url} is there, and answers {seen.request}")
        else:
            answer = f"{seen.request} with {reply.status}{self.findings.in_brackets(reply)}"
            self.findings.first(State.NOTE, f"{self._base_url} answers {answer}, which says nothing of the key")

    def _listed(self, reply: Reply) -> tuple[str, ...]:
        """Return the models that the relay lists, or an empty tuple."""
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
                    self.findings.warning("model", message + nearest(called, listed), ("scenarios", name, "model"))

    def _ask(self, question: Question) -> None:
        common = self._form
        answered_at_all = self._ask_in_form(question)
        if self._is_taken:
            self._form = common
        elif question.endpoint is not Endpoint.EMBEDDINGS:
            self._is_taken = answered_at_all

    def _ask_in_form(self, question: Question) -> bool:
        """Ask, and return whether there was an answer in one form or another."""
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
        """Ask for a stream where an answer in one piece failed, as the load only streams; return whether one came."""
        streaming, reply = self._answer(question, stream=True)
        comes = answered(question, reply, stream=True)
        with self.findings.about(request):
            if streams_alone(question, plain):
                note_only_streams(question, plain, self.findings)
                comes = True
            elif comes:
                note_plain_failure(question, plain, self.findings)
            else:
                look_at_answer(question, plain, self.findings, self._known, either_way=True)
        if comes:
            self._look_at_stream(question, streaming, reply, in_one_piece=False)
        return comes

    def _look_at_stream(self, question: Question, request: WireRequest, reply: Reply, *, in_one_piece: bool) -> None:
        with self.findings.about(request):
            look_at_stream(question, reply, self.findings, self._known, in_one_piece=in_one_piece)

    def _answer(self, question: Question, *, stream: bool) -> tuple[WireRequest, Reply]:
        """Exchange in the target's form, or else in one that the relay takes, so that the rest can be examined."""
        request, first = self._exchange(question, self._form, stream=stream)
        for form in islice(other_forms(self._form, question, first, stream=stream), self._tries_left):
            self._tries_left -= 1
            other, reply = self._exchange(question, form, stream=stream)
            if answered(question, reply, stream=stream):
                with self.findings.about(request):
                    add_form(question, self._form, form, first, self.findings, alone=not self._is_taken)
                self._form = form
                return other, reply
        return request, first

    def _exchange(self, question: Question, form: Form, *, stream: bool) -> tuple[WireRequest, Reply]:
        request = question.request(stream=stream, form=form)
        body = msgspec.json.encode(request.body)
        reply = self._probe_client.exchange(self._base_url, "POST", request.path, body, request.headers)
        self._replies.append(reply)
        self._has_answered = self._has_answered or is_answer(question, reply, stream=stream)
        return request, reply
