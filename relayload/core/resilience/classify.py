"""Classifies attempts: the first rule that fits an attempt's signals decides what went wrong, and whose fault it was.

Relays agree neither on statuses nor on names, so the rules of a profile come first, then those of its dialect, then the
common ones.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import Struct

from relayload.core.model.record import FailureKind

_FIRST_ERROR, _LAST_ERROR = 400, 599
_DIGITS = 3
_NOTHING: frozenset[str] = frozenset()
_CLASS_OF_STATUSES = re.compile(r"[1-5]xx")

Words = int | str | Sequence[int | str]
"""One value, or several alternatives."""


class AttemptSignals(Struct, frozen=True, gc=False):
    """The properties of an attempt that rules match."""

    status: int | None = None
    """None if no response came."""
    failure: str | None = None
    """The stable name of what went wrong on the wire or in the answer, such as `connect` or `no_finish`."""
    finish_reason: str | None = None
    code: str | None = None
    """The relay's own error code, with `type` and `message`."""
    type: str | None = None
    message: str = ""
    headers: Mapping[str, str] = {}
    """The response headers, with lower-case names."""
    retry_after_s: float | None = None
    """The wait in seconds that the message asks for."""

    @property
    def named_status(self) -> int | None:
        """The status, or the one named by an error inside a 200, such as `"code": "429"`."""
        code = self.code
        if code is None or self.failure is None or not 200 <= (self.status or 200) < 300:
            return self.status
        named = status_named_by(code)
        return self.status if named is None else named


def status_named_by(code: str | None) -> int | None:
    """Return the error status (400 to 599) that a code such as `429` names, or None. Codes may have any length."""
    if code is None or len(code) != _DIGITS or not (code.isascii() and code.isdigit()):
        return None
    return int(code) if _FIRST_ERROR <= int(code) <= _LAST_ERROR else None


@dataclass(frozen=True, slots=True)
class Rule:
    """Conditions for a kind. All that are given must match; empty ones match anything."""

    kind: FailureKind
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = _NOTHING
    """Error codes in lower case, like `types`."""
    types: frozenset[str] = _NOTHING
    message: re.Pattern[str] | None = None
    """Searched anywhere in the message."""
    header: str | None = None
    """The lower-case name of a header that the response must have; a final `*` makes it a prefix."""
    failures: frozenset[str] = _NOTHING
    finish_reasons: frozenset[str] = _NOTHING

    @classmethod
    def of(
        cls,
        kind: str,
        *,
        status: Words = (),
        code: Words = (),
        type: Words = (),
        message: str | None = None,
        header: str | None = None,
        failure: Words = (),
        finish_reason: Words = (),
    ) -> "Rule":
        """Return a rule in profile syntax: `status` takes `503` and `"5xx"`, `message` a regular expression.

        Matching ignores case. Raises ValueError with a one-line message.
        """
        found = cls(
            kind=kind_named(kind),
            statuses=frozenset(number for each in _several(status) for number in statuses_named(each)),
            codes=_lowered(code),
            types=_lowered(type),
            message=None if message is None else _pattern(message),
            header=None if header is None else header.lower(),
            failures=_lowered(failure),
            finish_reasons=_lowered(finish_reason),
        )
        if found == cls(found.kind):
            raise ValueError("expected at least one of status, code, type, message, header, failure and finish_reason")
        return found

    def fits(self, signals: AttemptSignals, named_status: int | None) -> bool:
        """Return whether the rule fits the signals; `named_status` is theirs, computed once for all rules."""
        return (
            (not self.statuses or signals.status in self.statuses or named_status in self.statuses)
            and (not self.failures or signals.failure in self.failures)
            and (not self.finish_reasons or _lower(signals.finish_reason) in self.finish_reasons)
            and (not self.codes or _lower(signals.code) in self.codes)
            and (not self.types or _lower(signals.type) in self.types)
            and (self.message is None or self.message.search(signals.message) is not None)
            and (self.header is None or _has(signals.headers, self.header))
        )

    @property
    def fits_answers(self) -> bool:
        """Whether it can fit a successful answer, by its headers or its finish reason."""
        of_success = not self.statuses or any(200 <= status < 300 for status in self.statuses)
        return of_success and not (self.failures or self.codes or self.types or self.message)


rule = Rule.of
"""A short name for tables of rules."""


def kind_named(name: str) -> FailureKind:
    """Return a kind by its name. Raises ValueError for unknown names."""
    try:
        return FailureKind(name)
    except ValueError:
        raise ValueError(f"expected one of {', '.join(FailureKind)}, got '{name}'") from None


def statuses_named(name: int | str) -> frozenset[int]:
    """Return the statuses that `503` or `5xx` stands for. Raises ValueError for other texts."""
    text = str(name).lower()
    if _CLASS_OF_STATUSES.fullmatch(text):
        first = int(text[0]) * 100
        return frozenset(range(first, first + 100))
    if text.isascii() and text.isdigit() and 100 <= int(text) <= _LAST_ERROR:
        return frozenset({int(text)})
    raise ValueError(f"expected a status such as 503 or 5xx, got '{name}'")


class Classifier:
    """Decides the kind of an attempt by the first rule that fits.

    If none fits, an answer is `ok` and anything else is a server error, so an unknown flaw never counts as an answer.
    """

    __slots__ = ("_rules", "_rules_of_answers")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._rules_of_answers = tuple(each for each in self._rules if each.fits_answers)

    def classify(self, signals: AttemptSignals) -> FailureKind:
        """Return the kind of an attempt with these signals."""
        status = signals.status
        answered = signals.failure is None and status is not None and 200 <= status < 300
        if answered and not (signals.code or signals.type or signals.message):
            for each in self._rules_of_answers:  # the path of nearly every attempt
                if each.fits(signals, status):
                    return each.kind
            return FailureKind.OK
        named_status = signals.named_status
        for each in self._rules:
            if each.fits(signals, named_status):
                return each.kind
        return FailureKind.OK if answered else FailureKind.SERVER_ERROR


def _several(value: Words) -> Sequence[int | str]:
    return (value,) if isinstance(value, int | str) else value


def _lowered(value: Words) -> frozenset[str]:
    return frozenset(str(each).lower() for each in _several(value))


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"expected a regular expression, got '{text}': {error}") from None


def _has(headers: Mapping[str, str], name: str) -> bool:
    if name.endswith("*"):
        return any(each.startswith(name[:-1]) for each in headers)
    return name in headers
