"""Generates strings in JSON Schema's formats, and strings of a given length."""

from collections.abc import Callable, Iterator

from relayload.fakerelay.tokens import STRIDE, WORDS

_FORMATS: dict[str, Callable[[int], str]] = {
    "date-time": lambda n: f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:00Z",
    "date": lambda n: f"2026-{1 + n % 12:02d}-{1 + n % 28:02d}",
    "time": lambda n: f"{n % 24:02d}:{n % 60:02d}:00Z",
    "duration": lambda n: f"PT{1 + n % 59}M",
    "email": lambda n: f"user{n}@example.com",
    "idn-email": lambda n: f"user{n}@example.com",
    "hostname": lambda n: f"host{n}.example.com",
    "idn-hostname": lambda n: f"host{n}.example.com",
    "ipv4": lambda n: f"192.0.2.{1 + n % 254}",
    "ipv6": lambda n: f"2001:db8::{1 + n % 65535:x}",
    "uuid": lambda n: f"00000000-0000-4000-8000-{n % 16**12:012x}",
    "uri": lambda n: f"https://example.com/{n}",
    "uri-reference": lambda n: f"/{n}",
    "iri": lambda n: f"https://example.com/{n}",
    "iri-reference": lambda n: f"/{n}",
    "uri-template": lambda n: f"https://example.com/{n}",
    "json-pointer": lambda n: f"/{n}",
    "relative-json-pointer": lambda n: f"{n % 10}",
    "regex": lambda n: f"^[a-z]{{{n}}}$",
}


def formatted(name: str, number: int) -> str | None:
    """Return a string in this format, different for each number; None for unknown formats."""
    make = _FORMATS.get(name)
    return None if make is None else make(number)


def within(least: int, most: int, number: int) -> str:
    """Return words with a length in characters between `least` and `most`."""
    text, index = "", number
    while len(text) < max(least, min(most, 12)):
        text += WORDS[index * STRIDE % len(WORDS)][(not text) :]
        index += 1
    return text[:most] if len(text) > most else text


def guessed(length: int, number: int) -> Iterator[str]:
    """Yield strings that may match a pattern: digits, letters, and those of all formats."""
    digits = "".join(str((number + index) % 10) for index in range(length + 2))
    for size in range(max(1, length), length + 3):
        yield from (digits[:size], ("a" * size), ("A" * size), "A" + "a" * (size - 1))
        yield from (("A" + digits)[:size], ("a" + digits)[:size])
    yield from (make(number) for make in _FORMATS.values())
