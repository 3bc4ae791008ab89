"""The limit behind refusals: of all kinds and lengths of windows, those that explain what was seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from relayload.core.limits.conformance import Fit, Shape, Unit, Window, fit
from relayload.core.limits.observation import Seen

LENGTHS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 86_400.0)
"""The lengths of windows that relays have; others are told as they were measured."""
_NEARLY = 0.05
"""How near a measured refill is to a round one that is meant."""
_MARGIN = 2
"""A limit that leaves so many more refusals unexplained than another is ruled out: one may be chance."""
_UNEXPLAINED = 0.05
_RANGE = 0.1
"""A limit whose size is known less well than that explains nothing."""
_REFILL_RANGE = 2.0
"""Likewise a bucket whose refill may be so many times as large."""
_FEWEST = 8
"""Fewer refusals than that may be accidents."""
_LEAST_LENGTH = 5
"""The least length of a window, as a multiple of the tolerance: within that everything could be explained."""
_APART = 1.01
"""How far apart lengths are that are tried."""
_ROUNDS = 4
_RELEASES = 4
"""The most instants at which it let requests through again that lengths are measured by."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What explains the refusals best."""

    best: Fit
    alike: tuple[Fit, ...]
    """All that explain them as well, the best one among them."""

    @property
    def holds(self) -> bool:
        """Whether it explains nearly all, and these are no few accidents."""
        best = self.best
        refills_per_s = self.refills_per_s
        tight = best.most - best.least <= max(2, _RANGE * best.most)
        if refills_per_s and refills_per_s[-1] > _REFILL_RANGE * refills_per_s[0]:
            return False
        return tight and best.refusals >= _FEWEST and best.unexplained <= max(1, _UNEXPLAINED * best.refusals)

    @property
    def told(self) -> bool:
        """Whether one kind and length are left; of a limit of one, all kinds are alike."""
        one = len(self.windows) == len(self.units) == 1 and len(self.lengths_s[:2]) < 2
        return one or self.best.least == 1

    @property
    def windows(self) -> tuple[Window, ...]:
        """The kinds that explain them."""
        return tuple(dict.fromkeys(each.shape.window for each in self.alike))

    @property
    def units(self) -> tuple[Unit, ...]:
        return tuple(dict.fromkeys(each.shape.unit for each in self.alike))

    @property
    def lengths_s(self) -> tuple[float, ...]:
        """The lengths of windows of the best one's kind that explain them, in order."""
        same = (each.shape for each in self.alike if each.shape.window is self.best.shape.window)
        return tuple(sorted({shape.window_s for shape in same if shape.window_s is not None}))

    @property
    def refills_per_s(self) -> tuple[float, ...]:
        """The refills of buckets that explain them, in order; none if the best one is no bucket."""
        best = self.best.shape
        same = (each.shape for each in self.alike if (each.shape.window, each.shape.unit) == (best.window, best.unit))
        return tuple(sorted({shape.refill_per_s for shape in same if shape.refill_per_s is not None}))

    @property
    def refused_count(self) -> bool | None:
        """Whether requests count that were refused; None where that makes no difference to what was seen."""
        told = {each.shape.refused_count for each in self.alike if each.shape.window is self.best.shape.window}
        return told.pop() if len(told) == 1 else None


def explain(
    seen: Sequence[Seen],
    tolerance_s: float,
    refills: Sequence[tuple[Unit, float]] = (),
    guessed: Sequence[tuple[Unit, float]] = (),
) -> Explanation | None:
    """Return what explains the refusals; None where there are none.

    `seen` is in the order of sending, and of one counter. `refills` are rates, per second, at which a bucket would have
    been refilled while it was empty. Those that are only `guessed` can raise doubts, but are
    never the best explanation.
    """
    if not any(each.refused for each in seen):
        return None
    decided = [each for each in seen if each.admitted or each.refused]
    round_ones = [fit(shape, seen, tolerance_s) for shape in _shapes(decided, LENGTHS_S, refills)]
    round_ones = [*_full_in_a_round_time(refills, seen, tolerance_s), *round_ones]
    found = _best(round_ones)
    if found.best.unexplained > 1:
        lengths_s = [each for each in _measured_s(decided) if each >= _LEAST_LENGTH * tolerance_s]
        measured = [fit(shape, seen, tolerance_s) for shape in _shapes(decided, lengths_s, ())]
        found = _best([*round_ones, *measured])
    buckets = (Shape(Window.BUCKET, unit, refill_per_s=per_s) for unit, per_s in guessed)
    return Explanation(found.best, (*found.alike, *_as_good(found.best, [fit(b, seen, tolerance_s) for b in buckets])))


def sure_releases(seen: Sequence[Seen]) -> list[tuple[Seen, Seen]]:
    """Return the releases whose refusal had been answered when the next one was sent: the others may have arrived
    in another order than they were sent."""
    return [each for each in releases(seen) if each[0].answered_at_s <= each[1].at_s]


def releases(seen: Sequence[Seen]) -> list[tuple[Seen, Seen]]:
    """Return each refusal that was followed by the admission of a request at least as large, with that."""
    return [
        (before, after)
        for before, after in pairwise(seen)
        if before.refused and after.admitted and after.tokens >= before.tokens
    ]


def _best(fits: Sequence[Fit]) -> Explanation:
    """Choose the fit with the fewest refusals unexplained; among equals the first one."""
    best = min(fits, key=lambda each: each.unexplained)
    alike = _as_good(best, fits)
    if best.shape.window is Window.BUCKET:  # the roundest refill
        best = next(each for each in alike if (each.shape.window, each.shape.unit) == (Window.BUCKET, best.shape.unit))
    return Explanation(best, alike)


def _as_good(best: Fit, fits: Sequence[Fit]) -> tuple[Fit, ...]:
    return tuple(each for each in fits if each.unexplained < best.unexplained + _MARGIN)


def _shapes(seen: Sequence[Seen], lengths_s: Sequence[float], refills: Sequence[tuple[Unit, float]]) -> Iterator[Shape]:
    """Yield the shapes to try, likelier ones first."""
    phases = _phases(seen)
    for unit in Unit:
        for length_s in lengths_s:
            yield Shape(Window.SLIDING, unit, length_s)
            for phase_s, error_s in phases:
                yield Shape(Window.FIXED, unit, length_s, phase_s, error_s)
        for per_s in dict.fromkeys(each for of, measured in refills if of is unit for each in _rounded(measured)):
            yield Shape(Window.BUCKET, unit, refill_per_s=per_s)
        for length_s in lengths_s:
            yield Shape(Window.SLIDING, unit, length_s, refused_count=True)


def _phases(seen: Sequence[Seen]) -> list[tuple[float, float]]:
    """Return the instants at which a fixed window may have begun, the ones known best first.

    A refusal alone may be chance; those that a window ends come one after the other.
    """
    twice = [b for a, b, c in zip(seen, seen[1:], seen[2:], strict=False) if a.refused and b.refused and c.admitted]
    found = [((a.at_s + b.at_s) / 2, (b.at_s - a.at_s) / 2, a not in twice) for a, b in sure_releases(seen)]
    best = sorted(found, key=lambda each: (each[2], each[1]))[:3]
    return [each[:2] for each in best] or [(seen[0].at_s, 0.0)]


def _rounded(per_s: float) -> Iterator[float]:
    """Yield round rates that are near enough, and the rate itself."""
    for kept in (1, 2, 3):
        for length_s in (1.0, 60.0, 3600.0):
            number = round(float(f"{per_s * length_s:.{kept}g}"))
            if number and abs(number / length_s - per_s) <= _NEARLY * per_s:
                yield number / length_s
    yield per_s


def _full_in_a_round_time(
    refills: Sequence[tuple[Unit, float]], seen: Sequence[Seen], tolerance_s: float
) -> Iterator[Fit]:
    """Yield buckets that are filled within a second, a minute or the like, where that is near to what was measured."""
    for unit, per_s in refills:
        for length_s in LENGTHS_S:
            refill_per_s = per_s
            for _ in range(_ROUNDS):
                found = fit(Shape(Window.BUCKET, unit, refill_per_s=refill_per_s), seen, tolerance_s)
                refill_per_s = (found.least + found.most) / 2 / length_s
                if abs(refill_per_s - per_s) > _NEARLY * per_s:
                    break
            else:
                yield found


def _measured_s(seen: Sequence[Seen]) -> list[float]:
    """Return the lengths that windows may have by when requests were let through again."""
    found = sure_releases(seen)
    longest = sorted(found, key=lambda each: each[1].at_s - each[0].at_s, reverse=True)[:_RELEASES]
    middles_s = sorted((a.at_s + b.at_s) / 2 for a, b in longest)
    starts_s = [seen[0].at_s, *(b.at_s for _, b in found[:_RELEASES])]
    spans_s = [later - earlier for later in middles_s for earlier in (*starts_s, *middles_s)]
    apart_s: list[float] = []
    for span_s in sorted(span for span in spans_s if span > 0.01):
        if not apart_s or span_s > _APART * apart_s[-1]:
            apart_s.append(float(f"{span_s:.3g}"))
    whole_s = [float(round(each)) for each in apart_s if abs(each - round(each)) <= _NEARLY * each]
    return [*dict.fromkeys([*whole_s, *apart_s])]
