"""Writes the JSON Schemas of the files that other programs may rely on.

`python -m relayload.report.schemas docs` writes them to `docs/`.
"""

import sys
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from relayload.core.audit.result import AuditResult
from relayload.core.capacity.answer import Capacity
from relayload.core.capacity.plan import CapacityPlan
from relayload.core.limits.findings import Limits
from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Verdict
from relayload.core.overhead.findings import Overhead

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

SCHEMAS: Mapping[str, type[Struct]] = MappingProxyType(
    {
        "verdict.schema.json": Verdict,
        "summary.schema.json": Summary,
        "capacity.schema.json": Capacity,
        "capacity-plan.schema.json": CapacityPlan,
        "limits.schema.json": Limits,
        "overhead.schema.json": Overhead,
        "audit.schema.json": AuditResult,
    }
)
"""The types of the schemas by their names in `docs/`."""
_PUBLISHED = MappingProxyType({"ObjectiveResult": "Judgement", "Status": "Word"})
"""What schemas go on calling a type, since code that is generated from them has its name."""


def schema(kind: type[Struct]) -> dict[str, Any]:
    """Return the JSON Schema of a file's content."""
    named = f"urn:relayload:{kind.__name__.lower()}"
    return {"$schema": _DIALECT, "$id": named, **_tidy(msgspec.json.schema(kind))}


def schema_text(kind: type[Struct]) -> str:
    """Return the schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(schema(kind), order="sorted")).decode() + "\n"


def _tidy(part: Any) -> Any:
    """Normalise descriptions, which are docstrings whose indentation depends on the version of Python."""
    if isinstance(part, dict):
        return {
            _PUBLISHED.get(key, key): cleandoc(value) if key == "description" else _tidy(value)
            for key, value in part.items()
        }
    if isinstance(part, str):
        where, slash, name = part.rpartition("/")
        return f"{where}{slash}{_PUBLISHED.get(name, name)}"
    return [_tidy(item) for item in part] if isinstance(part, list) else part


if __name__ == "__main__":
    for name, kind in SCHEMAS.items():
        (Path(sys.argv[1]) / name).write_text(schema_text(kind), encoding="utf-8")
