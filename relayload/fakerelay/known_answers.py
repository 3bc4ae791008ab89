"""What the relay knows: the right answers to simple questions that an audit asks.

Sums, what was told earlier, the facts of one sentence, counting, and words to repeat. All other prompts are answered
with generated words.
"""

import re
from collections.abc import Callable, Sequence

from msgspec.json import encode

_LOOKED_AT = 500
"""How many characters of the end are searched for a question."""
_UNKNOWN = "I do not know."


def known_answer(texts: Sequence[str]) -> str | None:
    """Return the right answer to the last of a prompt's texts; None if the relay knows none."""
    if not texts:
        return None
    asked = texts[-1][-_LOOKED_AT:]
    for pattern, answer in _ANSWERS:
        if found := pattern.search(asked):
            return answer(found, texts)
    return None


def wrong_answer(right: str) -> str:
    """Return the answer with its last number changed; without any number, another text."""
    found = _LAST_NUMBER.search(right)
    if found is None:
        return "I can't help with that."
    return f"{right[: found.start()]}{int(found[0]) + 1}{right[found.end() :]}"


_LAST_NUMBER = re.compile(r"\d+(?!.*\d)", re.DOTALL)


def _sum(found: re.Match[str], _texts: Sequence[str]) -> str:
    one, other = int(found[1]), int(found[3])
    return str({"+": one + other, "-": one - other, "*": one * other}[found[2]])


def _told(found: re.Match[str], texts: Sequence[str]) -> str:
    """Return what was said of a thing earlier."""
    telling = re.compile(rf"\b{re.escape(found[1])} is (\w+)", re.IGNORECASE)
    told = next((match[1] for text in texts if (match := telling.search(text))), None)
    return _UNKNOWN if told is None else told


def _facts(found: re.Match[str], _texts: Sequence[str]) -> str:
    name, age, city, one, other = found.groups()
    return encode({"name": name, "age": int(age), "city": city, "hobbies": [one, other]}).decode()


def _numbers(found: re.Match[str], _texts: Sequence[str]) -> str:
    return " ".join(map(str, range(int(found[1]), int(found[2]) + 1)))


def _words(found: re.Match[str], _texts: Sequence[str]) -> str:
    return found[1]


_ANSWERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Sequence[str]], str]], ...] = (
    (re.compile(r"(?:What is|Work out|calculate) (\d{1,15}) ([-+*]) (\d{1,15})[.?] Answer with the number"), _sum),
    (re.compile(r"What is (the [\w ]{1,40}), which I told you\b"), _told),
    (
        re.compile(r"as JSON with .*: (\w+), who is (\d{1,3}) years old and lives in (\w+), likes (\w+) and (\w+)\."),
        _facts,
    ),
    (re.compile(r"\bCount from (\d{1,4}) to (\d{1,4})\b"), _numbers),
    (re.compile(r"\bRepeat these words exactly as they are\b[^:]*: ([\w ]+)"), _words),
)
