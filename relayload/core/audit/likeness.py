"""How alike texts are: at how many of their first places the same character stands.

Texts are compared as long integers with a field for each character, so that one operation compares all of them.
"""

from collections.abc import Sequence

CHARACTERS = 100
"""How much of an answer is compared. Later characters differ anyhow, once one did."""

_END = 0x110000
"""Stands at each place beyond the end of a text. It is no character."""
_FIELD = 32
_ONES = sum(1 << _FIELD * place for place in range(CHARACTERS))
_ENDS = [_ONES // (1 << _FIELD * length) * _END << _FIELD * length for length in range(CHARACTERS + 1)]
_UP_TO_TOP = _ONES * 0x7FFF_FFFF
_TOPS = _ONES << (_FIELD - 1)


def likenesses(texts: Sequence[str]) -> list[list[int]]:
    """Return how alike each text is to each: 100 for the same one, since places where both have ended count."""
    packed = [_packed(text[:CHARACTERS]) for text in texts]
    rows = [[CHARACTERS - _differing(one, other) for other in packed[at:]] for at, one in enumerate(packed)]
    return [[*(rows[other][at - other] for other in range(at)), *row] for at, row in enumerate(rows)]


def _packed(text: str) -> int:
    return int.from_bytes(text.encode("utf-32-le", "surrogatepass"), "little") | _ENDS[len(text)]


def _differing(one: int, other: int) -> int:
    """Return how many fields differ: adding all ones below the top carries into it unless a field is 0."""
    return (((one ^ other) + _UP_TO_TOP) & _TOPS).bit_count()
