"""Prints on a stream of any encoding: characters that it lacks become look-alikes, and never an error.

Tables are written in Unicode, which terminals and logs may lack: Latin-1 has no `≈`, PYTHONIOENCODING=ascii has no `µ`.
An error handler of the codec is the only place that every print, log line and traceback passes.
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


def allow_any_encoding() -> None:
    """Make stdout and stderr replace characters that their encoding lacks. Calling it again is harmless.

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
    """Return the text with look-alikes for what the encoding lacks: `≈` is `~`, `é` is `e`, `模` is `\\u6a21`."""
    return "".join(letter if _is_in(letter, encoding) else _ascii(letter) for letter in text)


def json_for(text: str, encoding: str) -> str:
    """Escape JSON for a stream that is not in UTF-8; a look-alike would change the data."""
    if text.isascii() or codecs.lookup(encoding).name == "utf-8":
        return text
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Handle a codec's error: return the replacement for the characters, and where to continue."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters, following = error.object[error.start : error.end], error.object[error.end : error.end + 1]
    # The look-alike has two characters; it takes the space after it, so that the columns of a table stay in line.
    end = error.end + 1 if letters[-1:] in _BEFORE_A_NUMBER and following == " " else error.end
    return lookalike(letters, error.encoding), end


def _ascii(letter: str) -> str:
    """Return a look-alike, or the letter without accents, or else its escaped number."""
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
