"""One audited answer, as a line of a recording: what was counted here beside what the relay reported of it.

The lines of a process are written after its last request, since counting takes time that the load needs.
"""

from msgspec import Struct

from relayload.core.model.amounts import Count, Index, Instant, Share, Worker


class Audited(Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="line", tag="audited", gc=False):
    """An ok answer of the seeded sample, or to a question of the audit. None means not counted, or not reported."""

    index: Index
    worker: Worker
    scenario: str
    stage: str
    model: str
    """The scenario's name for it, as in its `Record`."""
    measured: bool
    intended_at_s: Instant
    target: str | None = None
    """None where there is only one."""
    streamed: bool = False
    request: str
    """A short hash of what was sent apart from `stream`: equal requests have the same."""
    encoding: str | None = None
    """By which tokens were counted here, such as `o200k_base`; None where that of the model is not known."""
    counted_input: Count | None = None
    """Tokens of the whole prompt, with what the chat format adds."""
    repeated_input: Count | None = None
    """The most tokens at its beginning that an earlier request may have had, too: 0 for a prompt of its own."""
    counted_output: Count | None = None
    """Tokens of the visible text and of the arguments of tool calls."""
    counted_reasoning: Count | None = None
    """Tokens of the reasoning that was sent; 0 where none was."""
    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    total_tokens: Count | None = None
    max_output_tokens: Count | None = None
    """The budget of the answer."""
    quota_left: Share | None = None
    """The share that the relay says remains of a limit, of several that of which least does."""
    finish_reason: str | None = None
    answered_model: str | None = None
    """The model that the answer names."""
    fingerprint: str | None = None
    """Its `system_fingerprint`."""
    question: str | None = None
    """The question of the audit that was asked, such as `open:12` or `sums:3`; None for the traffic of the profile."""
    passed: bool | None = None
    """Whether the answer to a question is right; None where none is."""
    text: str | None = None
    """The beginning of the answer to a question, or with `keep_texts` the whole one, without secrets."""
