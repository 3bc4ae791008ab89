"""Explains text that is not YAML in the words of its author, at the line of the cause.

PyYAML reports where it gave up, which is often a line after the cause, in terms of its grammar.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import yaml

from relayload.core.errors import Fault

NOT_YAML = "not valid YAML"
"""The beginning of every message on text that can't be parsed. Whatever it repeats of the text is in single quotes."""
_BRACE_IN_TEXT = re.compile(r"[\w$]\{")
"""A brace ends unquoted text within [] and {}, even without a space before it."""
_NO_SPACE = re.compile(r"(?P<before>\s*(?:- )*)(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s/:][^:]*)")
_NO_COLON = re.compile(r"(?P<before>\s*(?:- )*)(?P<key>[A-Za-z_][\w-]*)(?: [^:#]*)?")
_NO_DASH_SPACE = re.compile(r"(?P<before>\s*)-[^\s-].*")
_KEY = re.compile(r"(?P<before>\s*(?:- )*)[\"']?[\w.-]+[\"']?")
_OTHERWISE = "what begins here does not fit what is above it: put text in quotes, or mend the indentation"
_CLOSING = {"[": "]", "{": "}"}


class _Cause(NamedTuple):
    """A message and its position; line and column count from 0."""

    message: str
    line: int
    column: int


class _Failure:
    """An error of PyYAML, beside the text."""

    def __init__(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        self.message = " ".join(part for part in (error.context, error.problem) if part)
        self.text = text
        self.lines = text.split("\n")
        self.line, self.column, self.index = (mark.line, mark.column, mark.index) if mark else (-1, -1, 0)
        begun = error.context_mark or mark
        self.began = (begun.line, begun.column) if begun else (-1, -1)
        self.opening = text[begun.index : begun.index + 1] if begun else ""

    def here(self, message: str) -> _Cause:
        """Return the message at the position where PyYAML gave up."""
        return _Cause(message, self.line, self.column)

    def at_begin(self, message: str) -> _Cause:
        """Return the message at the position where the construct began."""
        return _Cause(message, *self.began)

    def at_line(self, line: int, message: str, column: int = 0) -> _Cause:
        return _Cause(message, line, column)

    def line_before(self, line: int) -> int:
        """Return the last line above that holds more than a comment; -1 if there is none."""
        above = range(min(line, len(self.lines)) - 1, -1, -1)
        return next((at for at in above if self.lines[at].strip() and not self.lines[at].lstrip().startswith("#")), -1)


def syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    """Return the fault for a text that PyYAML could not parse."""
    failure = _Failure(error, text)
    cause = next(iter(_causes(failure)), None) or failure.here(
        _OTHERWISE if "<" in failure.message else failure.message
    )
    return Fault(f"{NOT_YAML}: {cause.message}", "", file, cause.line + 1, cause.column + 1)


def _causes(failure: _Failure) -> Iterable[_Cause]:
    for pattern, explain in _EXPLAINED:
        match = re.search(pattern, failure.message)
        cause = explain(failure, match) if match else None
        if cause is not None:
            yield cause


def _bad_begin(failure: _Failure, match: re.Match[str]) -> _Cause:
    if match["letter"] == "\\t":
        return failure.here("a tab: indent with spaces")
    return failure.here(f"text that begins with '{match['letter']}' needs quotes")


def _second_colon(failure: _Failure, _: re.Match[str]) -> _Cause:
    """Explain a colon after a colon: the cause is the line above, or the indentation."""
    before = failure.lines[failure.line][: failure.column]
    key = _KEY.fullmatch(before)
    above = failure.line_before(failure.line)
    if _NO_DASH_SPACE.fullmatch(before):
        return failure.at_line(failure.line, _DASH, len(before) - len(before.lstrip()))
    if key is None or above < 0:
        return failure.here("a second ': ' in one line: put text with a colon in quotes")
    if key["before"].lstrip() and failure.lines[above].lstrip().startswith("- "):
        indented = len(before) - len(before.lstrip())
        return failure.at_line(failure.line, _AMONG_KEYS["<block sequence start>"], indented)
    if (cause := _without_space(failure, above)) is not None:
        return cause
    return failure.at_line(
        failure.line, "indented deeper than the key above it, which has a value already", key.end("before")
    )


def _without_space(failure: _Failure, line: int) -> _Cause | None:
    """Return what is missing in a line that was probably meant as a key and its value."""
    written = failure.lines[line].rstrip()
    if found := _NO_SPACE.fullmatch(written):
        meant = f"{found['key']}: {found['value'].strip()}"
        return failure.at_line(line, f"a colon needs a space after it: '{meant}'", found.end("key"))
    if found := _NO_DASH_SPACE.fullmatch(written):
        return failure.at_line(line, _DASH, found.end("before"))
    if found := _NO_COLON.fullmatch(written):
        return failure.at_line(line, "a key needs a colon and a space after it", found.end("before"))
    return None


_DASH = "a dash needs a space after it"


def _no_colon(failure: _Failure, _: re.Match[str]) -> _Cause:
    line, _column = failure.began
    return _without_space(failure, line) or failure.at_begin("a key needs a colon and a space after it")


def _anchor_twice(failure: _Failure, match: re.Match[str]) -> _Cause:
    first = failure.began[0] + 1
    return failure.here(f"the anchor '&{match['name']}' is there already, in line {first}: choose another name")


def _flow(failure: _Failure, match: re.Match[str]) -> _Cause:
    """Explain a character between brackets that neither ends nor separates anything."""
    got, closing = match["got"], _CLOSING.get(failure.opening, "]")
    if text := _BRACE_IN_TEXT.match(failure.text, max(0, failure.index - 1)):
        example = "'${env:NAME}'" if text[0] == "${" else "'ttft{stage=steady}.p95 < 1s'"
        return failure.here(f"put text with braces in quotes, such as {example}")
    if got in ("<stream end>", *_CLOSING.values()) or (got == ":" and failure.line > failure.began[0]):
        return failure.at_begin(_not_closed(failure.opening, closing))
    return failure.here(f"a comma is missing before this, or the '{closing}' that closes the list or mapping")


def _not_closed(opening: str, closing: str) -> str:
    return f"the '{opening}' that begins here is not closed: write '{closing}'"


def _flow_node(failure: _Failure, match: re.Match[str]) -> _Cause:
    if match["got"] != "<stream end>":
        return failure.here(f"there is nothing before this '{match['got']}'")
    opened = _last_open(failure.text)
    if opened is None:
        return failure.here("the text ends within brackets")
    before = failure.text[:opened]
    message = _not_closed(failure.text[opened], _CLOSING[failure.text[opened]])
    return _Cause(message, before.count("\n"), opened - before.rfind("\n") - 1)


def _last_open(text: str) -> int | None:
    """Return the position of the last unclosed bracket, as far as it can be found without a parser."""
    opened: list[int] = []
    for found in re.finditer(r"'[^'\n]*'|\"[^\"\n]*\"|(?<!\S)#[^\n]*|[\[\]{}]", text):
        if found[0] in _CLOSING:
            opened.append(found.start())
        elif found[0] in _CLOSING.values() and opened:
            opened.pop()
    return opened[-1] if opened else None


def _closes_nothing(failure: _Failure, match: re.Match[str]) -> _Cause:
    return failure.here(f"this '{match['got']}' closes nothing: text that begins with it needs quotes")


_AMONG_KEYS = {
    "<scalar>": "text after a closing quote: put all of it in quotes; within single quotes, a quote is doubled",
    "<block mapping start>": "the indentation fits none above it: the keys of one mapping begin in the same column",
    "<block sequence start>": "the indentation fits none above it: the dashes of one list stand in the same column",
    "-": "a list item among keys: a list stands below its own key",
}


def _among_keys(failure: _Failure, match: re.Match[str]) -> _Cause | None:
    if match["got"] == "<scalar>" and (quoted := _quoted_before(failure)) and quoted.start_mark.line < failure.line:
        start, end = quoted.start_mark, quoted.end_mark.line + 1
        return _Cause(
            f"the quote that begins here is closed in line {end} alone: is one missing?", start.line, start.column
        )
    message = _AMONG_KEYS.get(match["got"])
    return failure.here(message) if message else None


def _quoted_before(failure: _Failure) -> yaml.ScalarToken | None:
    """Return the quoted text that ended before the parser gave up."""
    found = None
    try:
        for token in yaml.scan(failure.text, Loader=yaml.BaseLoader):
            if token.start_mark.index >= failure.index:
                break
            found = token if isinstance(token, yaml.ScalarToken) and not token.plain else found
    except yaml.YAMLError:
        pass  # the tokens before the error are enough
    return found


def _among_items(failure: _Failure, match: re.Match[str]) -> _Cause:
    key = match["got"] in ("?", "<block mapping start>")
    what = "a key among the items of a list: write '- ' before it, or indent it like the key it belongs beside"
    return failure.here(what if key else _AMONG_KEYS["<block sequence start>"])


def _second_start(failure: _Failure, _: re.Match[str]) -> _Cause:
    first = next((line for line in failure.lines if line.strip() and not line.lstrip().startswith("#")), "")
    if first.startswith(" "):
        return failure.here("begins further left than the first key: the keys of one mapping begin in the same column")
    return failure.here("nothing may come after what is complete above it")


def _fixed(message: str, *, at_begin: bool = False) -> Callable[[_Failure, re.Match[str]], _Cause]:
    return lambda failure, _: failure.at_begin(message) if at_begin else failure.here(message)


def _needs_quotes(failure: _Failure, _: re.Match[str]) -> _Cause:
    return failure.at_begin(f"text that begins with '{failure.opening}' needs quotes")


_EXPLAINED: tuple[tuple[str, Callable[[_Failure, re.Match[str]], _Cause | None]], ...] = (
    (r"found character '(?P<letter>\\?.)' that cannot start any token", _bad_begin),
    (r"mapping values are not allowed here", _second_colon),
    (r"could not find expected ':'", _no_colon),
    (
        r"quoted scalar found unexpected end of stream",
        _fixed("the quote that begins here is not closed", at_begin=True),
    ),
    (
        r"unknown escape character",
        _fixed(r"a backslash in double quotes begins an escape: write it twice, or use single quotes"),
    ),
    (r"found undefined alias '(?P<name>.*)'", lambda t, m: t.here(f"no anchor '&{m['name']}' comes before this")),
    (r"found duplicate anchor '(?P<name>.*)'", _anchor_twice),
    (r"while parsing a flow (?:sequence|mapping) expected .*but got '(?P<got>[^']*)'", _flow),
    (r"while parsing a flow node expected .*but found '(?P<got>[^']*)'", _flow_node),
    (r"while parsing a block node expected .*but found '(?P<got>[\]}])'", _closes_nothing),
    (r"while parsing a block mapping expected <block end>, but found '(?P<got>[^']*)'", _among_keys),
    (r"while parsing a block collection expected <block end>, but found '(?P<got>[^']*)'", _among_items),
    (r"expected '<document start>'", _second_start),
    (r"but found another document", _fixed("'---' begins another document: a file holds one")),
    (r"sequence entries are not allowed here", _fixed("a list begins on a line of its own, below its key")),
    (r"while scanning (?:an alias|an anchor|a tag|a block scalar|a directive)", _needs_quotes),
)
"""Messages of PyYAML with their explanations; the first match counts."""
