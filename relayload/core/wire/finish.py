"""Reasons why an answer ended that mean it failed, whatever the status line said."""

import re

from relayload.core.wire.whole_text import whole_name

FAILED_FINISHES = frozenset(
    {
        "abort",  # vLLM, SGLang, LMDeploy: the engine gave the request up
        "aborted",
        "cancelled",  # watsonx, Responses: somebody other than this client ended it
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
"""In lower case. Sources: the API references of the relays named; vllm-project/vllm#57082 for `abort`."""

USUAL_FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter"})
"""As most answers end, whole or not."""

_MOST_CHARACTERS = 200
_FAILING = re.compile(
    r"(?:^|_)(?:abort(?:ed)?|cancel(?:l?ed)?|crash(?:ed)?|disconnect(?:ed)?|errors?|exception|expired|fail(?:ed|ure)?"
    r"|insufficient|interrupted|invalid|killed|malformed|oom|out_of_memory|overload(?:ed)?|preempted"
    r"|rate_limit(?:ed)?|timed?_?out|unavailable|unexpected)(?:_|$)"
)
"""Words of failure in the names of others, such as Gemini's `MALFORMED_FUNCTION_CALL`."""
_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")

_NO_REASON = frozenset({"", "null", "none", "undefined"})
"""What some relays write into every event before the last, in lower case: DashScope's own API says `"null"`."""


def finish_named(reason: str | None) -> str | None:
    """Why an answer ended, if this is a reason."""
    if reason is None or reason in USUAL_FINISHES:
        return reason
    return None if reason.strip().lower() in _NO_REASON else whole_name(reason)


def failed_finish(reason: str | None) -> bool:
    """Whether an answer that ended for this reason failed: by its name, or by a word of failure in it."""
    if reason is None or reason in USUAL_FINISHES:
        return False
    return reason.lower() in FAILED_FINISHES or _FAILING.search(_in_words(reason)) is not None


def _in_words(reason: str) -> str:
    """The words of a name, however they are joined: `network-error`, `FinishReason.ERROR`, `internalError`."""
    return "_".join(_WORD.findall(reason[:_MOST_CHARACTERS])).lower()
