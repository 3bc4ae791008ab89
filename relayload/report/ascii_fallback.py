"""Text on a stream of any encoding: what the encoding lacks is written as what looks like it, and never a crash.

Tables are written in Unicode, terminals and logs need not be: a Latin-1 terminal has no `≈`, a Python under
PYTHONIOENCODING=ascii has no `µ`. An error handler of the codec is the one place that every print, log line and
traceback passes, whoever wrote it.
"""

import codecs
import json
import re
import sys
from io import TextIOWrapper
from unicodedata import normalize

_HANDLER = "relayload.ascii_fallback"
_PLAIN = "relayload-ascii"
_LOOKALIKES = str.maketrans(
    {
        "≈": "~",
        "✓": "v",
        "✗": "x",
        "×": "x",
        "–": "-",
        "—": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "…": "...",
        "·": "|",
        "•": "*",
        "µ": "u",
        "μ": "u",
        "∞": "inf",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "±": "+/-",
        "→": "->",
        "←": "<-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "§": "S",
        "°": "deg",
        "€": "EUR",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "æ": "ae",
        "Æ": "AE",
        "ł": "l",
        "Ł": "L",
        "━": "-",
        "─": "-",
        "╸": "-",
        "╺": "-",
        "│": "|",
        "▁": "_",
        "▂": "_",
        "▃": "-",
        "▄": "=",
        "▅": "=",
        "▆": "#",
        "▇": "#",
        "█": "#",
        "⁄": "/",
        "\ufffd": "#",
    }
)
_BEFORE_A_NUMBER = ("≤", "≥")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def speak_any_encoding() -> None:
    """Let stdout and stderr write what their encoding lacks as what looks like it. In place; once more does no harm.

    A stream in ASCII gets a codec of the same bytes and another name: click believes that a stream in `ascii` was
    misconfigured, and writes UTF-8 to it.
    """
    codecs.register_error(_HANDLER, _replaced)
    codecs.register(_plain_ascii)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            ascii_alone = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_PLAIN if ascii_alone else stream.encoding, errors=_HANDLER)


def lookalike(text: str, encoding: str = "ascii") -> str:
    """The text with look-alikes for what the encoding lacks: `≈` is `~`, `é` is `e`, `模` is `\\u6a21`."""
    return "".join(letter if _is_in(letter, encoding) else _ascii(letter) for letter in text)


def json_for(text: str, encoding: str) -> str:
    """JSON for a stream: the same document, escaped where the stream is not UTF-8. A look-alike would be other data."""
    if text.isascii() or codecs.lookup(encoding).name == "utf-8":
        return text
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """What a codec asks when it can't write some letters: others, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters, following = error.object[error.start : error.end], error.object[error.end : error.end + 1]
    # Of two characters: the space after it makes room, or the columns of a table would no longer be in line.
    end = error.end + 1 if letters[-1:] in _BEFORE_A_NUMBER and following == " " else error.end
    return lookalike(letters, error.encoding), end


def _ascii(letter: str) -> str:
    """What looks like a letter, without its accents; its number where nothing does."""
    known = letter.translate(_LOOKALIKES)
    parts = normalize("NFKD", letter).translate(_LOOKALIKES)
    bare = known if known != letter else "".join(part for part in parts if part.isascii())
    return bare or letter.encode("ascii", "backslashreplace").decode()


def _is_in(letter: str, encoding: str) -> bool:
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _plain_ascii(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != _PLAIN:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode, known.decode, known.streamreader, known.streamwriter, known.incrementalencoder,
        known.incrementaldecoder, name=_PLAIN,
    )  # fmt: skip
