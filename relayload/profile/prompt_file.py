"""Reads prompts and conversations from a file, by its suffix and the shape of its rows."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import TextIO

from relayload.core.traffic.dialogues import Dialogue
from relayload.document.encoding import open_text
from relayload.document.spelling import shown
from relayload.profile.dialogue_rows import PROMPT, Format, row
from relayload.profile.json_values import value_of, values

_TEXT, _TABLE, _JSON = ".txt", ".csv", ".json"
_JSON_LINES = (".jsonl", ".ndjson")
_KNOWN = (_TEXT, *_JSON_LINES, _TABLE, _JSON)
_LONGEST_FIELD = 1 << 30
_KEPT = 4
"""How many files are cached, since a check, a plan and a run read the same one."""

_Rows = Iterator[str | Dialogue | None]


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a file: either texts or conversations."""

    texts: tuple[str, ...] = ()
    dialogues: tuple[Dialogue, ...] = ()
    left_out: int = 0
    """How many rows were left out, as no user asks anything or their beginning is missing."""

    @property
    def as_texts(self) -> tuple[str, ...]:
        """The texts, or what the users in conversations say."""
        return self.texts or tuple(dialogue.asked for dialogue in self.dialogues)


def read_prompts(path: Path, field: str | None, most: int, form: Format | None = None) -> Prompts:
    """Read at most that many prompts from the beginning of a file.

    Raises OSError, or ValueError with the place of the fault.
    """
    stat = path.stat()
    if not S_ISREG(stat.st_mode) and not S_ISDIR(stat.st_mode):
        raise ValueError(f"{path}: is no regular file")
    return _read(path, field, most, form, (stat.st_ino, stat.st_size, stat.st_mtime_ns))


@lru_cache(maxsize=_KEPT)
def _read(path: Path, field: str | None, most: int, form: Format | None, _version: tuple[int, ...]) -> Prompts:
    kind = _kind(path, form)
    with open_text(path, newline="" if kind == _TABLE else None) as file, _long_fields():
        try:
            prompts = _taken(_rows(kind, path, file, field, form), most)
        except UnicodeDecodeError:
            raise ValueError(f"{path}: is not text in UTF-8") from None
    if prompts.texts or prompts.dialogues:
        return prompts
    if prompts.left_out:
        raise ValueError(f"{path}: holds no conversation that begins with what a user says")
    raise ValueError(f"{path}: holds no prompt")


def _kind(path: Path, form: Format | None) -> str:
    """Return the suffix of the format in which the file is read."""
    suffix = path.suffix.lower()
    if suffix == _TABLE and form not in (None, "lines"):
        raise ValueError(f"{path}: a row of a CSV is one text: leave out format, or write lines")
    if suffix in (_TABLE, _JSON, *_JSON_LINES):
        return suffix
    if form not in (None, "lines"):
        return _JSON
    if suffix == _TEXT or form == "lines":
        return _TEXT
    known = f"{', '.join(_KNOWN[:-1])} and {_KNOWN[-1]} are read; for others write format: lines, messages or sharegpt"
    raise ValueError(f"{path}: is of an unknown kind{f' ({suffix})' if suffix else ''}: {known}")


@contextmanager
def _long_fields() -> Iterator[None]:
    """Lift the limit of 131,072 characters for a field of a CSV, as prompts can be longer."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _taken(rows: _Rows, most: int) -> Prompts:
    found: list[str | Dialogue] = []
    left_out = 0
    for each in rows:
        if each is None:
            left_out += 1
            continue
        found.append(each)
        if len(found) == most:
            break
    texts = tuple(each for each in found if isinstance(each, str))
    if len(texts) == len(found):
        return Prompts(texts, left_out=left_out)
    return Prompts(dialogues=tuple(map(_as_dialogue, found)), left_out=left_out)


def _as_dialogue(prompt: str | Dialogue) -> Dialogue:
    return Dialogue(({"role": "user", "content": prompt},)) if isinstance(prompt, str) else prompt


def _rows(kind: str, path: Path, file: TextIO, field: str | None, form: Format | None) -> _Rows:
    if kind == _TABLE:
        return _of_table(path, file, field or PROMPT)
    if kind == _JSON:
        return _of_values(path, file, field, form)
    if kind in _JSON_LINES:
        return _of_json_lines(path, file, field, form)
    return (line.strip() for line in _plain(path, file) if line.strip())


def _plain(path: Path, file: TextIO) -> Iterator[str]:
    """Yield the lines of a text file."""
    for number, line in enumerate(file, 1):
        if "\0" in line:
            raise ValueError(f"{path}:{number}: holds a NUL, as UTF-16 without a mark does: save it as UTF-8")
        yield line


def _of_table(path: Path, file: TextIO, field: str) -> _Rows:
    rows = csv.reader(_plain(path, file), strict=True)
    line = 1
    try:
        names = [name.strip() for name in next(rows, [])]
        if field not in names:
            raise ValueError(f"{path}:1: expected a column '{field}', got {shown(', '.join(names)) or 'none'}")
        place = names.index(field)
        line = rows.line_num + 1
        for row_ in rows:
            text = row_[place].strip() if place < len(row_) else ""
            if row_ and not text:
                raise ValueError(f"{path}:{rows.line_num}: expected a text under '{field}'")
            if row_:
                yield text
            line = rows.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}:{line}: is no row of CSV: {error}") from None


def _of_json_lines(path: Path, file: TextIO, field: str | None, form: Format | None) -> _Rows:
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield row(value_of(line), field, form)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from None


def _of_values(path: Path, file: TextIO, field: str | None, form: Format | None) -> _Rows:
    found = values(file)
    for number in count(1):
        try:
            prompt = row(next(found), field, form)
        except StopIteration:
            return
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            raise ValueError(f"{path}: row {number}: {error}") from None
        yield prompt
