"""Prompts out of a file: one a line, one a JSON object, or one a row."""

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

FIELD = "prompt"
"""Where a JSON object or a row has its text, unless another field is named."""
JSON_LINES = (".jsonl", ".ndjson")


def read(path: Path, field: str | None, most: int) -> tuple[str, ...]:
    """The first prompts of a `.txt`, `.jsonl` or `.csv` file, `most` at the most.

    Raises OSError, or ValueError with the place of what is wrong.
    """
    with path.open(encoding="utf-8", newline="" if path.suffix == ".csv" else None) as file:
        try:
            prompts = tuple(islice(_prompts(path, file, field), most))
        except UnicodeDecodeError:
            raise ValueError(f"{path}: is not text in UTF-8") from None
    if not prompts:
        raise ValueError(f"{path}: holds no prompt")
    return prompts


def _prompts(path: Path, lines: Iterable[str], field: str | None) -> Iterator[str]:
    if path.suffix in JSON_LINES:
        return _of_json_lines(path, lines, field or FIELD)
    if path.suffix == ".csv":
        return _of_rows(path, csv.DictReader(lines), field or FIELD)
    return (line.strip() for line in lines if line.strip())


def _of_json_lines(path: Path, lines: Iterable[str], field: str) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            raise ValueError(f"{path}:{number}: expected a JSON object") from None
        text = value if isinstance(value, str) else value.get(field) if isinstance(value, dict) else None
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{path}:{number}: expected a text under '{field}'")
        yield text.strip()


def _of_rows(path: Path, rows: "csv.DictReader[str]", field: str) -> Iterator[str]:
    if field not in (rows.fieldnames or ()):
        raise ValueError(f"{path}:1: expected a column '{field}', got {', '.join(rows.fieldnames or ()) or 'none'}")
    for row in rows:
        text = row[field]
        if not text or not text.strip():
            raise ValueError(f"{path}:{rows.line_num}: expected a text under '{field}'")
        yield text.strip()
