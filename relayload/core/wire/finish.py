"""Reasons why an answer ended that mean it failed, whatever the status line said."""

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


def failed_finish(reason: str | None) -> bool:
    """Whether an answer that ended for this reason failed."""
    return reason is not None and reason.lower() in FAILED_FINISHES
