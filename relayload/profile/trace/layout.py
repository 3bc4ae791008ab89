"""The columns of each format.

- azure: Azure's LLM inference traces of 2023 and 2024 (Patel et al., Splitwise, ISCA 2024; Stojkovic et al., DynamoLLM,
  HPCA 2025), CSV;
- burstgpt: BurstGPT, both versions (Wang et al., 2024), CSV. Its models have names that no target knows, so the
  scenarios say which are asked;
- mooncake: Mooncake's traces (Qin et al., FAST 2025), JSONL.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from relayload.profile.trace.options import Trace


@dataclass(frozen=True, slots=True)
class Layout:
    """`columns` are the names of columns by field. Those of `optional` fields may be missing."""

    columns: Mapping[str, str]
    unit: str
    lines: bool = False
    """Whether each line is a JSON object."""
    optional: frozenset[str] = frozenset()
    failures: bool = False
    """Whether rows without an answer are failures."""


FORMATS = MappingProxyType(
    {
        "azure": Layout(
            {"at": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"}, "timestamp"
        ),
        "burstgpt": Layout(
            {
                "at": "Timestamp",
                "input_tokens": "Request tokens",
                "output_tokens": "Response tokens",
                "session": "Session ID",
            },
            "s",
            optional=frozenset(["session"]),
            failures=True,
        ),
        "mooncake": Layout(
            {
                "at": "timestamp",
                "input_tokens": "input_length",
                "output_tokens": "output_length",
                "blocks": "hash_ids",
            },
            "ms",
            lines=True,
        ),
    }
)


def layout_of(trace: Trace) -> Layout:
    """Return the layout of the trace's format, or the one that the profile names."""
    if trace.columns is None:
        return FORMATS[trace.format]
    named = {field: name for field, name in trace.columns if name}
    return Layout(named, trace.unit or "s", lines=trace.format == "jsonl")
