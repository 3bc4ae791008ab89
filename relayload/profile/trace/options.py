"""The `arrivals:` of a load that replays a trace."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relayload.profile.types import Count, Duration, Flag, Number, Part, PathText, PositiveDuration, Share, Text

FREE = ("csv", "jsonl")
"""The formats whose columns the profile names."""


class Columns(Part):
    """The names of the columns, or in JSONL of the keys. What has none is as the scenarios say."""

    at: Text
    """When the request was sent."""
    input_tokens: Text | None = None
    """Tokens of the prompt."""
    output_tokens: Text | None = None
    """Tokens of the answer, which are the budget."""
    model: Text | None = None
    """The model to ask, as the target calls it."""
    scenario: Text | None = None
    """The name of one of the profile's scenarios."""
    session: Text | None = None
    """What requests of one conversation have in common: their prompts begin with the same text."""
    blocks: Text | None = None
    """In JSONL: a list of numbers, one for each 512 tokens of the prompt. The same number is the same text."""


class Trace(Part):
    """Recorded traffic to send again: each row at its own time, with its own size."""

    trace: PathText
    """The file, found from the profile; it may be packed by gzip (`.gz`)."""
    format: Literal["azure", "burstgpt", "mooncake", "csv", "jsonl"]
    """What its columns are."""
    columns: Columns | None = None
    """The columns of a `csv` or `jsonl` file."""
    unit: Literal["s", "ms", "timestamp"] | None = None
    """What `columns.at` holds, such as `timestamp` for `2024-05-10T08:00:00.5Z`; seconds if it is not written."""
    speed: Annotated[Number, Field(gt=0)] = 1.0
    """Seconds of the trace per second of the run."""
    from_s: Duration = 0.0
    """How far into the trace the replay begins, in time of the trace."""
    to_s: PositiveDuration | None = None
    """How far into the trace the replay ends, in time of the trace."""
    sample: Annotated[Share, Field(gt=0)] | None = None
    """The share of the rows to send, each drawn by itself; of the sessions, where there are any."""
    limit: Count | None = None
    """The most rows to send, in each round."""
    loop: Flag = False
    """Whether the rows are sent again and again until the stages end."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        free = self.format in FREE
        if free and self.columns is None:
            example = "columns: {at: ..., input_tokens: ..., output_tokens: ...}"
            raise ValueError(f"a {self.format} file needs {example}")
        if not free and (self.columns or self.unit):
            raise ValueError(f"the columns of {self.format} are known: leave out columns and unit")
        if self.columns and self.columns.blocks and self.format != "jsonl":
            raise ValueError("columns.blocks are lists, which only jsonl has")
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError("'to' must be after 'from'")
        return self

    @property
    def sized(self) -> bool:
        """Whether the trace has the lengths of prompts."""
        return self.columns is None or self.columns.input_tokens is not None

    @property
    def holds_blocks(self) -> bool:
        """Whether the trace has the parts that prompts share."""
        return self.format == "mooncake" or (self.columns is not None and self.columns.blocks is not None)

    def found_from(self, folder: Path) -> Self:
        """Return the trace with its path relative to that folder, or to the working directory if it is only there."""
        beside = folder / self.trace
        found = self.trace if _is_there(self.trace) and not _is_there(beside) else beside
        return self.model_copy(update={"trace": found})


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a name that is too long
        return False
