"""The cause of a refusal: the part of the profile to change, or the relay itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import Classifier
from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.request import RelayFault
from relayload.doctor.error_patterns import field_named, is_model, is_too_long, is_upstreams, kind_of, missing_headers
from relayload.doctor.findings import Findings
from relayload.doctor.preflight import header_line
from relayload.doctor.questions import Question
from relayload.doctor.redirect import REDIRECTS, redirect_message
from relayload.document import Location
from relayload.document.validation import nearest
from relayload.transport.probe_client import API_KEY, BASE_URL, HEADERS, Reply

_TOO_LARGE = 413
_NOT_IMPLEMENTED = 501
_NOT_HERE = (404, 405, _NOT_IMPLEMENTED)
_NOTHING_THERE = re.compile(
    r"not[ _]?(?:found|implemented|supported|allowed)|no route|cannot post|unknown (?:path|url|route)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a relay before it refuses something."""

    base_url: str
    api_key: str
    classifier: Classifier
    key_path: str = API_KEY
    """Where the key stands below the target."""
    listed: tuple[str, ...] = ()
    """The models that it lists."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with a status other than 200."""

    question: Question
    stream: bool
    reply: Reply
    known: Known
    findings: Findings
    answered_in_one_piece: bool = False
    """Whether the same request was answered without streaming."""
    either_way: bool = False
    """Whether the same request failed with streaming, too."""

    @property
    def fault(self) -> RelayFault:
        """The error in the answer."""
        return fault_of_body(self.reply.body)

    @property
    def kind(self) -> FailureKind:
        """The kind of failure by the rules of this relay's client."""
        return kind_of(self.reply, self.known.classifier)

    @property
    def topic(self) -> str:
        """The topic of the finding, unless the cause has a topic of its own."""
        return "stream" if self.stream else "answer"


class Cause(NamedTuple):
    """Why the request was refused, and the part of the profile to check."""

    topic: str
    why: str
    location: Location


def look_at_refusal(refusal: Refusal) -> None:
    """Add the first cause that explains the refusal."""
    reply, question, findings = refusal.reply, refusal.question, refusal.findings
    what = f"{question.what(stream=refusal.stream)} is refused with {reply.status}{findings.in_brackets(reply)}"
    cause = next(filter(None, (cause_of(refusal) for cause_of in _CAUSES)))
    findings.fault(cause.topic, f"{what}: {cause.why}", cause.location)


def _redirect(refusal: Refusal) -> Cause | None:
    reply = refusal.reply
    if reply.status not in REDIRECTS:
        return None
    location = refusal.findings.at(BASE_URL)
    where, path = ".".join(map(str, location)), refusal.question.endpoint.path
    message = redirect_message(refusal.known.base_url, path, reply.header("location"), where)
    return Cause("target", refusal.findings.quoted(message), location)


def _header(refusal: Refusal) -> Cause | None:
    names = missing_headers(refusal.fault) if refusal.reply.status < 500 else ()
    if not names:
        return None
    location = refusal.findings.at(HEADERS)
    return Cause("headers", f"write {'.'.join(map(str, location[:-1]))}.{header_line(names)}", location)


def _upstream(refusal: Refusal) -> Cause | None:
    what = {
        FailureKind.AUTH: "it is the relay's own key for the model behind it that is refused, not yours",
        FailureKind.QUOTA_EXHAUSTED: (
            "it is the relay's own account with the provider behind it that has no credit left"
        ),
        FailureKind.RATE_LIMITED: "it is the relay that meets a limit of the provider behind it",
    }.get(refusal.kind)
    if what is None or not is_upstreams(refusal.fault, refusal.known.api_key):
        return None
    return Cause(refusal.topic, f"{what}: mend it there", refusal.findings.at(BASE_URL))


def _key(refusal: Refusal) -> Cause | None:
    if refusal.kind is not FailureKind.AUTH:
        return None
    return Cause(
        "key",
        "the key may not use this model, or belongs to another relay",
        refusal.findings.at(refusal.known.key_path),
    )


def _limits(refusal: Refusal) -> Cause | None:
    if refusal.kind is FailureKind.QUOTA_EXHAUSTED:
        return Cause(
            "limits", "the account behind the key has no credit left", refusal.findings.at(refusal.known.key_path)
        )
    if refusal.kind is not FailureKind.RATE_LIMITED:
        return None
    wait = refusal.findings.quoted(refusal.reply.header("retry-after"))
    again = f"; it asks to wait {wait}s" if wait else ""
    why = (
        "nothing else was sent, so it is not the rate of requests: tokens per minute or per day, other users "
        f"of the key, or a balance are used up{again}"
    )
    return Cause("limits", why, refusal.findings.at(refusal.known.key_path))


def _own_field(refusal: Refusal) -> Cause | None:
    """Return the field of the scenario that the error names."""
    question, reply = refusal.question, refusal.reply
    if reply.status >= 500:
        return None
    sent = {name for name, value in question.body.items() if value is not None} - set(question.own)
    named = field_named(sorted(sent), reply.body)
    if named is not None:
        return Cause(refusal.topic, f"leave {named} out of the scenario's body", (*question.location, "body", named))
    named = field_named(question.own, reply.body)
    return Cause(refusal.topic, f"leave {named} out", (*question.location, named)) if named else None


def _streaming(refusal: Refusal) -> Cause | None:
    if not (refusal.stream and refusal.answered_in_one_piece):
        return None
    why = "in one piece it is answered, so the relay, or what is behind it, does not stream: write stream: false"
    return Cause("stream", why, (*refusal.question.location, "stream"))


def _too_long(refusal: Refusal) -> Cause | None:
    prompt = (*refusal.question.location, "prompt")
    if refusal.reply.status == _TOO_LARGE:
        why = "the request is larger than the relay, or a proxy before it, takes (nginx: client_max_body_size)"
        return Cause(refusal.topic, why, prompt)
    if refusal.reply.status >= 500 or not is_too_long(refusal.fault):
        return None
    return Cause(refusal.topic, "the prompt of the scenario is too long for the model", prompt)


def _model(refusal: Refusal) -> Cause | None:
    question, listed = refusal.question, refusal.known.listed
    if not is_model(refusal.fault):
        return None
    if question.model in listed:
        return Cause("model", f"it lists the model, but not for {question.endpoint.path}", question.model_location)
    return Cause("model", f"the model is not there{nearest(question.model, listed)}", question.model_location)


def _not_there(refusal: Refusal) -> Cause | None:
    question, listed, status = refusal.question, refusal.known.listed, refusal.reply.status
    if status not in _NOT_HERE:
        return None
    path, endpoint = question.endpoint.path, (*question.location, "endpoint")
    if status != 404:
        return Cause("endpoint", f"the relay does not offer {path}", endpoint)
    if listed and question.model not in listed:
        hint = nearest(question.model, listed)
        return Cause("model", f"it is not among the models that the relay lists{hint}", question.model_location)
    if not _says_nothing_there(refusal.fault):
        return None
    if listed:
        return Cause("endpoint", f"it lists the model, but has no {path}", endpoint)
    return Cause("endpoint", f"there is no {path}, or no such model: the relay does not say which", endpoint)


def _says_nothing_there(fault: RelayFault) -> bool:
    words = (fault.message, fault.code, fault.type)
    return not fault.message or any(word is not None and _NOTHING_THERE.search(word) for word in words)


def _failing(refusal: Refusal) -> Cause | None:
    if refusal.reply.status < 500:
        return None
    how = ", streamed or not" if refusal.either_way else ""
    why = f"the relay, or the model behind it, fails by itself{how}"
    return Cause(refusal.topic, why, refusal.findings.at(BASE_URL))


def _anything_else(refusal: Refusal) -> Cause | None:
    return Cause(refusal.topic, "the relay does not take such a request", refusal.question.location)


_CAUSES: tuple[Callable[[Refusal], Cause | None], ...] = (
    _redirect,
    _header,
    _upstream,
    _key,
    _limits,
    _own_field,
    _streaming,
    _too_long,
    _model,
    _not_there,
    _failing,
    _anything_else,
)
"""In order of priority: an error about the key outweighs the meaning of the status."""
