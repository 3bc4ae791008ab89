"""Finish reasons that mean that an answer failed, whatever its HTTP status."""

import re

from relayload.core.wire.whole_text import whole_name

FAILED_FINISHES = frozenset(
    {
        "abort",  # vLLM, SGLang, LMDeploy: the engine gave up on the request
        "aborted",
        "cancelled",  # watsonx, Responses API: ended by someone other than this client
        "canceled",
        "engine_error",
        "error",  # Mistral, OpenRouter, vLLM, LMDeploy, Cohere
        "error_limit",  # Cohere
        "failed",
        "failure",
        "insufficient_system_resource",  # DeepSeek
        "internal_error",
        "model_error",
        "network_error",  # Zhipu
        "server_error",
        "time_limit",  # watsonx
        "timeout",  # Cohere
        "upstream_error",
        "user_cancel",  # Cohere
    }
)
"""Known failures, in lower case. Sources: the relays' API references; vllm-project/vllm#57082 for `abort`."""

USUAL_FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter"})
"""The finish reasons of most answers, complete or not."""

_MOST_CHARACTERS = 200
_FAILING = re.compile(
    r"(?:^|_)(?:abort(?:ed)?|cancel(?:l?ed)?|crash(?:ed)?|disconnect(?:ed)?|errors?|exception|expired|fail(?:ed|ure)?"
    r"|insufficient|interrupted|invalid|killed|malformed|oom|out_of_memory|overload(?:ed)?|preempted"
    r"|rate_limit(?:ed)?|timed?_?out|unavailable|unexpected)(?:_|$)"
)
"""Words that mean failure in other reasons, such as Gemini's `MALFORMED_FUNCTION_CALL`."""
_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")

_NO_REASON = frozenset({"", "null", "none", "undefined"})
"""Placeholders, in lower case, in every event before the last: DashScope's own API sends `"null"`."""


def finish_reason_of(reason: str | None) -> str | None:
    """Return the finish reason, or None for a placeholder."""
    if reason is None or reason in USUAL_FINISHES:
        return reason
    return None if reason.strip().lower() in _NO_REASON else whole_name(reason)


def failed_finish(reason: str | None) -> bool:
    """Return whether this finish reason means failure: it is a known one, or contains a word that means failure."""
    if reason is None or reason in USUAL_FINISHES:
        return False
    return reason.lower() in FAILED_FINISHES or _FAILING.search(_in_words(reason)) is not None


def _in_words(reason: str) -> str:
    """Split a name in any style into words: `network-error`, `FinishReason.ERROR`, `internalError`."""
    return "_".join(_WORD.findall(reason[:_MOST_CHARACTERS])).lower()
