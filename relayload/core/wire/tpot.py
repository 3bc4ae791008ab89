"""The time per output token of a stream: which tokens were streamed, and the mean time between them."""


def streamed_tokens(
    output_tokens: int, reasoning_tokens: int | None, *, thought_bytes: int, summarised: bool
) -> int | None:
    """Return how many of the reported tokens came in the stream; None if that is unknown.

    Hidden reasoning is counted by the relay but not streamed: without a byte of it in the stream (`thought_bytes`), it
    is subtracted. After a summary, or with fewer bytes than reasoning tokens (a token has at least one byte), the
    number of streamed tokens is unknown.

    More reasoning than output tokens means that the relay counts reasoning separately, as xAI does.
    """
    reasoning = reasoning_tokens or 0
    if summarised or 0 < thought_bytes < reasoning:
        return None
    within = reasoning <= output_tokens
    if thought_bytes:
        return output_tokens if within else output_tokens + reasoning
    return output_tokens - reasoning if within else output_tokens


def tpot_s(first_at_s: float, last_at_s: float, streamed_tokens: int) -> float | None:
    """Return the mean seconds per streamed token after the first: (last - first) / (n - 1).

    The instants are those of the first and the last chunk with a token. None below two tokens, or if all came at once.
    Source: MLPerf Inference, server scenario, for streams whose usage chunk comes late.
    """
    if streamed_tokens < 2 or not last_at_s > first_at_s:
        return None
    return (last_at_s - first_at_s) / (streamed_tokens - 1)
