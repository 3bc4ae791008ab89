"""The cause of a refusal, by the wording of the error.

Wordings: LiteLLM (`litellm.AuthenticationError: AuthenticationError: OpenAIException - ...`, `Invalid model name passed
in model=...`), new-api (`upstream_error`), Portkey (`x-portkey-provider header is required`), OpenAI (`Incorrect API
key provided: sk-****abcd`, `The model ... does not exist`), one-api (`无可用渠道`), vLLM, Ollama, OpenRouter.
"""

import re
from collections.abc import Iterable

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import AttemptSignals, Classifier
from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.request import RelayFault
from relayload.transport.probe_client import Reply

_UPSTREAM_NAMES = ("upstream_error", "bad_response_status_code", "provider_error")
_UPSTREAM = re.compile(
    r"litellm\.\w+Error|\b[A-Z]\w*Exception -|\bupstream|provider returned error|returned by (?:the )?provider",
    re.IGNORECASE,
)
_MASKED_KEY = re.compile(r"\b(?:sk|rk|pk|key)-[\w-]*(?:[*•.]{3,}|…)(\w{4})\b")
_TAIL = 4
_HEADER_WANTED = re.compile(
    r"\bheader.{0,40}(?:required|missing|expected|needed|not (?:found|set|provided|given))"
    r"|(?:required|requires?|missing|expected|expects?|needs?|no)\b.{0,60}\bheader",
    re.IGNORECASE,
)
_HEADER = re.compile(r"\b(?:x|anthropic|openai|helicone|portkey|cf)-[\w-]*\w", re.IGNORECASE)
_MODEL_NAMES = ("model_not_found", "invalid_model", "model_not_supported", "unknown_model", "deploymentnotfound")
_MODEL = re.compile(
    r"(?:invalid|unknown|unsupported|unrecognized|no such|non-?existent) model"
    r"|\b(?:model|deployment)\b.{0,160}?"
    r"(?:not found|not exist|not available|not supported|unavailable|unknown|is invalid|not a valid|not registered"
    r"|not loaded|not deployed|not configured)"
    r"|no (?:available |healthy )*(?:channels?|deployments?|workers?|endpoints?|providers?)\b.{0,40}\bmodel"
    r"|无可用渠道|模型.{0,60}不存在",
    re.IGNORECASE,
)
_TOO_LONG_NAMES = ("context_length_exceeded", "string_above_max_length")
_TOO_LONG = re.compile(
    r"context.{0,10}length|context window|(?:prompt|input|request|message).{0,20}too (?:long|large)", re.IGNORECASE
)
_PLAIN_WORD = 8
"""The length from which the name of a field is hardly an ordinary word."""


def signals_of(reply: Reply) -> AttemptSignals:
    """Return the signals of an answer that a classifier needs."""
    fault = fault_of_body(reply.body)
    return AttemptSignals(
        reply.status, None, None, fault.code, fault.type, fault.message, reply.headers, fault.retry_after_s
    )


def kind_of(reply: Reply, classifier: Classifier) -> FailureKind:
    """Classify an answer by its status and the error in it."""
    return classifier.classify(signals_of(reply))


def is_upstreams(fault: RelayFault, api_key: str) -> bool:
    """Return whether a provider refused the relay's own key, account or limit, rather than the relay refusing ours."""
    if _named(fault, _UPSTREAM_NAMES) or _UPSTREAM.search(fault.message):
        return True
    masked = _MASKED_KEY.search(fault.message)
    return masked is not None and masked[1] != api_key[-_TAIL:]


def missing_headers(fault: RelayFault) -> tuple[str, ...]:
    """Return the vendor's headers, one of which the relay requires, in lower case."""
    wanted = _HEADER_WANTED.search(fault.message) is not None
    return tuple(dict.fromkeys(name.lower() for name in _HEADER.findall(fault.message))) if wanted else ()


def is_model(fault: RelayFault) -> bool:
    """Return whether the error says that the relay has no such model."""
    return _named(fault, _MODEL_NAMES) or _MODEL.search(fault.message) is not None


def is_too_long(fault: RelayFault) -> bool:
    """Return whether the error says that the prompt does not fit the model."""
    return _named(fault, _TOO_LONG_NAMES) or _TOO_LONG.search(fault.message) is not None


def field_named(names: Iterable[str], body: bytes) -> str | None:
    """Return the first of these fields that an error names, in quotes or as a word that hardly means anything else."""
    text = body.decode("utf-8", errors="replace")
    return next((name for name in names if _names_field(name, text)), None)


def _names_field(name: str, text: str) -> bool:
    if "_" in name or len(name) >= _PLAIN_WORD:
        return re.search(rf"\b{re.escape(name)}\b", text) is not None
    return re.search(rf"[`'\"]{re.escape(name)}\b", text) is not None


def _named(fault: RelayFault, names: tuple[str, ...]) -> bool:
    return any(name is not None and name.lower() in names for name in (fault.code, fault.type))
