"""The form of request that a relay takes, if it refuses the profile's.

Wordings: `Unsupported parameter: 'max_tokens' is not supported with this model` (OpenAI, Azure), `Unrecognized request
argument supplied: stream_options` (Azure), `extra_forbidden` and `Extra inputs are not permitted` (vLLM before 0.6.4,
NIM, Mistral, Databricks). llama.cpp and llama-cpp-python ignore `max_completion_tokens`, and answer at any length.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from relayload.core.wire.answers import MalformedAnswer, WholeAnswer
from relayload.core.wire.form import MAX_TOKENS_FIELDS, Form
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.opening import is_event_stream
from relayload.core.wire.request import Endpoint
from relayload.core.wire.response_limits import TooLarge
from relayload.core.wire.stream import StreamFlaw
from relayload.doctor.answers import streamed
from relayload.doctor.findings import Findings
from relayload.doctor.questions import BUDGET, Question
from relayload.transport.probe_client import Reply

_LOOKED_AT_BYTES = 65_536
_REFUSALS = (400, 404, 405, 415, 422, 500, 501)
"""The statuses with which relays refuse a field, whether they name it or not."""
_OF_BUDGET = re.compile(rb"max_(?:completion_|output_)?tokens")
_OF_USAGE = re.compile(rb"stream_options|include_usage")
_OF_SOME_FIELD = re.compile(
    rb"extra_forbidden|extra (?:inputs|fields|parameters)|extraneous key|additional ?propert"
    rb"|unsupported_parameter|unknown_parameter"
    rb"|un(?:supported|recognized|known|expected) (?:request )?(?:parameter|argument|field|key|name|propert|option)",
    re.IGNORECASE,
)


def other_forms(form: Form, question: Question, reply: Reply, *, stream: bool) -> Iterator[Form]:
    """Yield other forms to try after an answer that may be due to the form of the request, best first."""
    if too_long(question, reply, stream=stream):
        yield from _with_other_fields(form, question.endpoint, besides=("none",))
    elif reply.status in _REFUSALS or fails_inside(question, reply, stream=stream):
        body = reply.body[:_LOOKED_AT_BYTES]
        of_usage, of_budget = _OF_USAGE.search(body), _OF_BUDGET.search(body)
        unnamed = not of_usage and not of_budget and _OF_SOME_FIELD.search(body)
        if (of_usage or unnamed) and stream and form.stream_options and question.endpoint is Endpoint.CHAT:
            yield replace(form, stream_options=False)
        if of_budget or unnamed:
            yield from _with_other_fields(form, question.endpoint)


def answered(question: Question, reply: Reply, *, stream: bool) -> bool:
    """Return whether the relay accepted a request as it was."""
    if reply.status != 200 or too_long(question, reply, stream=stream):
        return False
    return not fails_inside(question, reply, stream=stream)


def is_answer(question: Question, reply: Reply, *, stream: bool) -> bool:
    """Return whether a model answered, fully or in part; an error in a 200 or a web page is no answer."""
    if not 200 <= reply.status < 300:
        return False
    if stream and is_event_stream([reply.body], reply.header("content-type"), complete=True):
        return not _fails_as_a_stream(question, reply)
    answer = _whole(question, reply, stream=stream)
    return answer is not None and answer.flaw is None and answer.fault is None


def fails_inside(question: Question, reply: Reply, *, stream: bool) -> bool:
    """Return whether an answer with status 200 contains an error, as some gateways send for a refused field."""
    if reply.status != 200:
        return False
    if stream and is_event_stream([reply.body], reply.header("content-type"), complete=True):
        return _fails_as_a_stream(question, reply)
    answer = _whole(question, reply, stream=stream)
    return answer is not None and answer.fault is not None


def _whole(question: Question, reply: Reply, *, stream: bool) -> WholeAnswer | None:
    """Parse an answer in one piece; return None if it is no such answer."""
    try:
        return FORMATS[question.endpoint].read_answer(reply.body, question.request(stream=stream))
    except MalformedAnswer:
        return None


def _fails_as_a_stream(question: Question, reply: Reply) -> bool:
    try:
        return streamed(question, reply).flaw is StreamFlaw.ERROR_EVENT
    except TooLarge:
        return False


def too_long(question: Question, reply: Reply, *, stream: bool) -> bool:
    """Return whether an answer exceeds the requested tokens, which means that the relay ignored the budget."""
    if stream or reply.status != 200 or question.endpoint is Endpoint.EMBEDDINGS or question.budget is None:
        return False
    answer = _whole(question, reply, stream=False)
    return answer is not None and (answer.tokens.output or 0) > question.budget


def add_form(
    question: Question, before: Form, now: Form, reply: Reply, findings: Findings, *, alone: bool = True
) -> None:
    """Add the line to write for a relay that refused the form `before` with this reply and accepted the form `now`.

    If the model is not `alone`, others accept the form `before`, so the line must change the scenario and not the
    target.
    """
    what = f"{question.model} at {question.endpoint.path}"
    if now.stream_options != before.stream_options:
        remedy, location = "stream_options: false", findings.at("stream_options")
        found = "without stream_options it is answered"
    else:
        remedy, location = f"max_tokens_field: {now.max_tokens_field}", findings.at("max_tokens_field")
        found = f"with {now.max_tokens_field} it is" if now.max_tokens_field != "none" else "without a budget it is"
        found += " answered"
    line = f"write {'.'.join(map(str, location[:-1]))}.{remedy}"
    if not alone:
        location = ("scenarios", question.scenario, "body")
        own = _own_body(question, before, now)
        line = f"other models take requests as they are: write scenarios.{question.scenario}.body: {own}"
    if too_long(question, reply, stream=False):
        limit = f"is answered with more than the {question.budget} tokens asked for"
        found = f"{before.max_tokens_field} is not understood, {now.max_tokens_field} is"
        findings.warning("form", f"{what} {limit}: {found}; {line}", location)
    else:
        how = "answered 200 with an error inside" if reply.status == 200 else f"refused with {reply.status}"
        findings.fault("form", f"{what} is {how}{findings.in_brackets(reply)}: {found}; {line}", location)


def _own_body(question: Question, before: Form, now: Form) -> str:
    """Return the `body` of a scenario that turns one form into the other."""
    if now.stream_options != before.stream_options:
        return "{stream_options: null}"
    if question.endpoint is Endpoint.RESPONSES:
        return "{max_output_tokens: null}"
    fields = {before.max_tokens_field: "null", now.max_tokens_field: f"{question.budget or BUDGET}"}
    return f"{{{', '.join(f'{name}: {value}' for name, value in fields.items() if name != 'none')}}}"


def _with_other_fields(form: Form, endpoint: Endpoint, besides: tuple[str, ...] = ()) -> Iterator[Form]:
    """Yield the form with other fields for the budget. The Responses API has only one, to be used or not."""
    fields = MAX_TOKENS_FIELDS if endpoint is Endpoint.CHAT else ("none",)
    for name in fields:
        if name != form.max_tokens_field and name not in besides and endpoint is not Endpoint.EMBEDDINGS:
            yield replace(form, max_tokens_field=name)
