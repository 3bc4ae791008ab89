"""The time per output token of a stream: which tokens were streamed, and the mean time between them."""


def streamed_tokens(
    output_tokens: int, reasoning_tokens: int | None, *, thought_bytes: int, summarised: bool
) -> int | None:
    """Return how many of the tokens that a relay told came in the stream; None where nobody can tell.

    Models that think in silence count reasoning that nobody saw: without a byte of it in the stream
    (`thought_bytes`), it is taken off. A summary stands for reasoning that was not streamed, and so does text
    shorter than its tokens, each of which has a byte at least: how many of them came is unknown.

    More reasoning than output means a relay that counts it beside the output, as xAI does.
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

    The instants are those of the first and the last chunk that bore a token. None below two tokens, and where all
    came at once. Source: MLPerf Inference, server scenario, for streams whose usage chunk comes late.
    """
    if streamed_tokens < 2 or not last_at_s > first_at_s:
        return None
    return (last_at_s - first_at_s) / (streamed_tokens - 1)
