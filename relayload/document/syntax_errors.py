"""What is wrong with a text that is not YAML: in words for people who write it, at the line where the cause is.

PyYAML tells where it had to give up, which is often a line after the fault, and in the words of its grammar.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import yaml

from relayload.core.errors import Fault

NOT_YAML = "not valid YAML"
"""How a fault begins of a text that can't be parsed. What it repeats of the text stands in single quotes."""
_BRACE_IN_TEXT = re.compile(r"[\w$]\{")
"""Within [] and {} a brace ends a text that has no quotes, though no blank stands before it."""
_NO_SPACE = re.compile(r"(?P<before>\s*(?:- )*)(?P<key>[A-Za-z_][\w-]*):(?P<value>[^\s/:][^:]*)")
_NO_COLON = re.compile(r"(?P<before>\s*(?:- )*)(?P<key>[A-Za-z_][\w-]*)(?: [^:#]*)?")
_NO_DASH_SPACE = re.compile(r"(?P<before>\s*)-[^\s-].*")
_KEY = re.compile(r"(?P<before>\s*(?:- )*)[\"']?[\w.-]+[\"']?")
_OTHERWISE = "what begins here does not fit what is above it: put text in quotes, or mend the indentation"
_CLOSING = {"[": "]", "{": "}"}


class _Cause(NamedTuple):
    """A message, and where it belongs; line and column count from 0."""

    message: str
    line: int
    column: int


class _Trouble:
    """What PyYAML says, beside the text."""

    def __init__(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        self.said = " ".join(part for part in (error.context, error.problem) if part)
        self.text = text
        self.lines = text.split("\n")
        self.line, self.column, self.index = (mark.line, mark.column, mark.index) if mark else (-1, -1, 0)
        begun = error.context_mark or mark
        self.began = (begun.line, begun.column) if begun else (-1, -1)
        self.opening = text[begun.index : begun.index + 1] if begun else ""

    def here(self, message: str) -> _Cause:
        """Where it gave up."""
        return _Cause(message, self.line, self.column)

    def at_begin(self, message: str) -> _Cause:
        """Where what it was reading had begun."""
        return _Cause(message, *self.began)

    def at_line(self, line: int, message: str, column: int = 0) -> _Cause:
        return _Cause(message, line, column)

    def line_before(self, line: int) -> int:
        """The last line above with anything on it but a comment; -1 where there is none."""
        above = range(min(line, len(self.lines)) - 1, -1, -1)
        return next((at for at in above if self.lines[at].strip() and not self.lines[at].lstrip().startswith("#")), -1)


def syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    """The fault of a text that PyYAML could not parse."""
    trouble = _Trouble(error, text)
    cause = next(iter(_causes(trouble)), None) or trouble.here(_OTHERWISE if "<" in trouble.said else trouble.said)
    return Fault(f"{NOT_YAML}: {cause.message}", "", file, cause.line + 1, cause.column + 1)


def _causes(trouble: _Trouble) -> Iterable[_Cause]:
    for pattern, explain in _EXPLAINED:
        match = re.search(pattern, trouble.said)
        cause = explain(trouble, match) if match else None
        if cause is not None:
            yield cause


def _bad_begin(trouble: _Trouble, match: re.Match[str]) -> _Cause:
    if match["letter"] == "\\t":
        return trouble.here("a tab: indent with spaces")
    return trouble.here(f"text that begins with '{match['letter']}' needs quotes")


def _second_colon(trouble: _Trouble, _: re.Match[str]) -> _Cause:
    """The first colon of a line is no fault of its own: what is above it is, or its indentation."""
    before = trouble.lines[trouble.line][: trouble.column]
    key = _KEY.fullmatch(before)
    above = trouble.line_before(trouble.line)
    if _NO_DASH_SPACE.fullmatch(before):
        return trouble.at_line(trouble.line, _DASH, len(before) - len(before.lstrip()))
    if key is None or above < 0:
        return trouble.here("a second ': ' in one line: put text with a colon in quotes")
    if key["before"].lstrip() and trouble.lines[above].lstrip().startswith("- "):
        indented = len(before) - len(before.lstrip())
        return trouble.at_line(trouble.line, _AMONG_KEYS["<block sequence start>"], indented)
    if (cause := _without_space(trouble, above)) is not None:
        return cause
    return trouble.at_line(
        trouble.line, "indented deeper than the key above it, which has a value already", key.end("before")
    )


def _without_space(trouble: _Trouble, line: int) -> _Cause | None:
    """What a line lacks that was meant to hold a key and its value."""
    written = trouble.lines[line].rstrip()
    if found := _NO_SPACE.fullmatch(written):
        meant = f"{found['key']}: {found['value'].strip()}"
        return trouble.at_line(line, f"a colon needs a space after it: '{meant}'", found.end("key"))
    if found := _NO_DASH_SPACE.fullmatch(written):
        return trouble.at_line(line, _DASH, found.end("before"))
    if found := _NO_COLON.fullmatch(written):
        return trouble.at_line(line, "a key needs a colon and a space after it", found.end("before"))
    return None


_DASH = "a dash needs a space after it"


def _no_colon(trouble: _Trouble, _: re.Match[str]) -> _Cause:
    line, _column = trouble.began
    return _without_space(trouble, line) or trouble.at_begin("a key needs a colon and a space after it")


def _anchor_twice(trouble: _Trouble, match: re.Match[str]) -> _Cause:
    first = trouble.began[0] + 1
    return trouble.here(f"the anchor '&{match['name']}' is there already, in line {first}: choose another name")


def _flow(trouble: _Trouble, match: re.Match[str]) -> _Cause:
    """Between brackets, something came that ends nothing and separates nothing."""
    got, closing = match["got"], _CLOSING.get(trouble.opening, "]")
    if text := _BRACE_IN_TEXT.match(trouble.text, max(0, trouble.index - 1)):
        example = "'${env:NAME}'" if text[0] == "${" else "'ttft{stage=steady}.p95 < 1s'"
        return trouble.here(f"put text with braces in quotes, such as {example}")
    if got in ("<stream end>", *_CLOSING.values()) or (got == ":" and trouble.line > trouble.began[0]):
        return trouble.at_begin(_not_closed(trouble.opening, closing))
    return trouble.here(f"a comma is missing before this, or the '{closing}' that closes the list or mapping")


def _not_closed(opening: str, closing: str) -> str:
    return f"the '{opening}' that begins here is not closed: write '{closing}'"


def _flow_node(trouble: _Trouble, match: re.Match[str]) -> _Cause:
    if match["got"] != "<stream end>":
        return trouble.here(f"there is nothing before this '{match['got']}'")
    opened = _last_open(trouble.text)
    if opened is None:
        return trouble.here("the text ends within brackets")
    before = trouble.text[:opened]
    message = _not_closed(trouble.text[opened], _CLOSING[trouble.text[opened]])
    return _Cause(message, before.count("\n"), opened - before.rfind("\n") - 1)


def _last_open(text: str) -> int | None:
    """The last bracket that is not closed, as far as that can be told without a parser."""
    opened: list[int] = []
    for found in re.finditer(r"'[^'\n]*'|\"[^\"\n]*\"|(?<!\S)#[^\n]*|[\[\]{}]", text):
        if found[0] in _CLOSING:
            opened.append(found.start())
        elif found[0] in _CLOSING.values() and opened:
            opened.pop()
    return opened[-1] if opened else None


def _closes_nothing(trouble: _Trouble, match: re.Match[str]) -> _Cause:
    return trouble.here(f"this '{match['got']}' closes nothing: text that begins with it needs quotes")


_AMONG_KEYS = {
    "<scalar>": "text after a closing quote: put all of it in quotes; within single quotes, a quote is doubled",
    "<block mapping start>": "the indentation fits none above it: the keys of one mapping begin in the same column",
    "<block sequence start>": "the indentation fits none above it: the dashes of one list stand in the same column",
    "-": "a list item among keys: a list stands below its own key",
}


def _among_keys(trouble: _Trouble, match: re.Match[str]) -> _Cause | None:
    if match["got"] == "<scalar>" and (quoted := _quoted_before(trouble)) and quoted.start_mark.line < trouble.line:
        start, end = quoted.start_mark, quoted.end_mark.line + 1
        return _Cause(
            f"the quote that begins here is closed in line {end} alone: is one missing?", start.line, start.column
        )
    message = _AMONG_KEYS.get(match["got"])
    return trouble.here(message) if message else None


def _quoted_before(trouble: _Trouble) -> yaml.ScalarToken | None:
    """The text in quotes that ended before the parser gave up."""
    found = None
    try:
        for token in yaml.scan(trouble.text, Loader=yaml.BaseLoader):
            if token.start_mark.index >= trouble.index:
                break
            found = token if isinstance(token, yaml.ScalarToken) and not token.plain else found
    except yaml.YAMLError:
        pass  # as far as it could be read
    return found


def _among_items(trouble: _Trouble, match: re.Match[str]) -> _Cause:
    key = match["got"] in ("?", "<block mapping start>")
    what = "a key among the items of a list: write '- ' before it, or indent it like the key it belongs beside"
    return trouble.here(what if key else _AMONG_KEYS["<block sequence start>"])


def _second_start(trouble: _Trouble, _: re.Match[str]) -> _Cause:
    first = next((line for line in trouble.lines if line.strip() and not line.lstrip().startswith("#")), "")
    if first.startswith(" "):
        return trouble.here("begins further left than the first key: the keys of one mapping begin in the same column")
    return trouble.here("nothing may come after what is complete above it")


def _fixed(message: str, *, at_begin: bool = False) -> Callable[[_Trouble, re.Match[str]], _Cause]:
    return lambda trouble, _: trouble.at_begin(message) if at_begin else trouble.here(message)


def _needs_quotes(trouble: _Trouble, _: re.Match[str]) -> _Cause:
    return trouble.at_begin(f"text that begins with '{trouble.opening}' needs quotes")


_EXPLAINED: tuple[tuple[str, Callable[[_Trouble, re.Match[str]], _Cause | None]], ...] = (
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
"""Of what PyYAML says, with what explains it, the first that fits."""
