"""The fixed part of a stream's token events: everything but the text of the token.

Most events of a stream differ only in that text. An event that begins and ends like a parsed token event, with only
plain text in between, is a token event, too, and can be counted without parsing.
"""

import re

from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.chat import Delta, read_chunk

_TEXT = re.compile(rb'"(?:content|reasoning_content|reasoning|reasoning_text|thinking)"\s*:\s*"([^"\\]+)"')
_plain_ascii = re.compile(rb"[ !#-\[\]-\x7f]+").fullmatch
_plain_utf8 = re.compile(
    rb"(?:[ !#-\[\]-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf][\x80-\xbf]"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf][\x80-\xbf][\x80-\xbf]"
    rb"|\xf4[\x80-\x8f][\x80-\xbf][\x80-\xbf])+"
).fullmatch
"""Plain text in whole characters; the rest of a cut one may come in the next event. Source: RFC 3629, section 4."""
_PROBE = "~"
_FIELD, _END = b"data: ", b"\n\n"


_THOUGHTS = tuple(Delta(**{name: _PROBE}) for name in ("reasoning_content", "reasoning", "reasoning_text", "thinking"))


class TokenPattern:
    """The bytes of a whole event around its text. `visible`: the text is content, not a thought."""

    __slots__ = ("_after", "_after_bytes", "_before", "_before_bytes", "fixed_bytes", "visible")

    def __init__(self, before: bytes, after: bytes, *, visible: bool) -> None:
        self._before, self._before_bytes = before, len(before)
        self._after, self._after_bytes = after, len(after)
        self.fixed_bytes = len(before) + len(after)
        """The length of an event of this pattern without its text."""
        self.visible = visible

    def matches(self, event: bytes) -> bool:
        """Return whether these bytes are a whole event of this pattern, with plain UTF-8 text and no cut character."""
        if not (event.startswith(self._before) and event.endswith(self._after)):
            return False
        begin, end = self._before_bytes, len(event) - self._after_bytes
        return _plain_ascii(event, begin, end) is not None or _plain_utf8(event, begin, end) is not None

    def text(self, event: bytes) -> bytes:
        """Return the text of a matching event, in UTF-8."""
        return event[self._before_bytes : -self._after_bytes]


def pattern_of(event: bytes) -> TokenPattern | None:
    """Return the pattern of a whole event, `data: {...}` with its empty line; None if it is no plain token event."""
    match = _TEXT.search(event)
    if match is None or not (event.startswith(_FIELD) and event.endswith(_END)):
        return None
    before, after = event[: match.start(1)], event[match.end(1) :]
    # Verify: with another text in its place, the event must contain that text and nothing else.
    delta = _only_delta(b"%b%b%b" % (before[len(_FIELD) :], _PROBE.encode(), after[: -len(_END)]))
    if delta == Delta(content=_PROBE):
        return TokenPattern(before, after, visible=True)
    if delta in _THOUGHTS:
        return TokenPattern(before, after, visible=False)
    return None


def _only_delta(data: bytes) -> Delta | None:
    """Return what the event adds to the answer, or None if it contains anything else of interest."""
    try:
        chunk = read_chunk(data)
    except MalformedAnswer:
        return None
    says_more = chunk.error or chunk.usage is not None or chunk.x_groq is not None
    if says_more or chunk.choices is None or len(chunk.choices) != 1:
        return None
    (choice,) = chunk.choices
    says_more = choice.finish_reason or choice.index or choice.error or choice.usage is not None
    return None if says_more else choice.delta
