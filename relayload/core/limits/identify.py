"""Finds out which limit refused a request, by a few more: when it lets requests through again, and how many.

1. Where lengths differ, shorter requests fill what is left, until the shortest is refused, too.
2. Requests with another model and another key tell whether these have counters of their own.
3. The shortest requests, further and further apart, find the instant of release. A bucket lets one through soon; a
   window does so at its end, or when the first of what it holds grows too old.
4. When all of what was sent before is surely forgotten, a small part is sent, and, after a gap, the rest, until there
   is a refusal. These are of another size, which tells a limit of requests from one of tokens.
5. At the next release a fixed window takes more than that part, and a sliding one no more.

What was seen is then compared with every kind and length of window by `explain`.
"""

from collections.abc import Generator, Iterator, Sequence
from statistics import median

from msgspec import structs

from relayload.core.limits.conformance import Unit, Window
from relayload.core.limits.inference import Explanation, explain, releases
from relayload.core.limits.known import Known
from relayload.core.limits.observation import Pause, Seen, Verdict, Volley
from relayload.core.limits.steps import Steps

Asked = Generator[Volley | Pause, tuple[float, Sequence[Seen]], bool]
Passed = Generator[Volley | Pause, tuple[float, Sequence[Seen]], tuple[float, float]]

OTHER_INPUT_TOKENS = 64
"""The length of the prompts to which a limit of tokens is told by, after shortest ones."""
_LEAST_GAP_S = 0.02
_SPARSE, _DENSE = 0.08, 0.01
"""The time between two requests that wait for a release, as a part of how long it takes already."""
_NEAR = 0.06
"""How near to the expected release they are dense."""
_MOST_IN_PART = 20
_MORE_THAN_PART = 4
"""How many more than the part are sent at the second release."""
_REFILLS = 16
"""How many admissions the refill of a bucket is measured by."""
_TRIES_FOR_A_REFILL = 4
_FIRST_TRIES = 10
"""If none of so many passes, which is time for two or three refills, it is no bucket."""
_STEP, _STEPS = 1.1, range(-4, 13)
"""The refills that are tried where none could be measured, as powers of a step times what passed."""
_LONGEST_GAP = 0.4
_SCOPE_TRIES, _SCOPE_PASSES = 6, 2
"""How often another model or key is tried, and how often it has to pass."""
_SCOPE_WAIT_S = 0.2
_FEW = 4
_LOOK_BACK_S = 65.0
_CONTROLS = 3
"""How many of the shortest are sent after the first refusal of one, which may be chance."""


class Identification:
    """One limit that is being found out."""

    def __init__(self, known: Known, input_tokens: int, began_at_s: float, models: int, keys: int) -> None:
        """`began_at_s` is when the requests began of which one was refused; they had so many `input_tokens`."""
        self._known = known
        self._input_tokens = input_tokens
        self.began_at_s = began_at_s
        self._models, self._keys = models, keys
        self._since_s = began_at_s
        self._refills_soon = False
        self.released = False
        """Whether it has let a request through again."""
        self.complete = self.asked_others = False
        """Whether all was seen that tells its kind, and whether other models and keys were asked."""
        self._refused_at_s = known.now_s
        self.refills: list[tuple[Unit, float]] = []
        self.guessed: list[tuple[Unit, float]] = []
        self.separate_model: bool | None = None
        self.separate_key: bool | None = None

    @property
    def log(self) -> list[Seen]:
        """What was sent to its counter, without the refusals from before it, which known limits explain.

        What another model or key was admitted, of which it is not known whether that counts, stands as failed, since
        that is not known of failures either.
        """
        found = []
        for each in self._known.everything:
            separate = self._separate(each)
            if separate is False and (not each.refused or each.at_s >= self._since_s):
                found.append(each)
            elif separate is None and each.admitted:
                found.append(structs.replace(each, verdict=Verdict.FAILED))
        return found

    def _separate(self, seen: Seen) -> bool | None:
        """Return whether a request went to another counter; None if that is not known."""
        others = ((seen.model, self.separate_model), (seen.key, self.separate_key))
        told = [separate for other, separate in others if other]
        return True if True in told else None if None in told else False

    @property
    def refused_for_s(self) -> float:
        """How long it has let nothing through."""
        last_s = max((each.at_s for each in self.log if each.admitted), default=self.began_at_s)
        return max(0.0, max(each.at_s for each in self.log) - last_s)

    @property
    def passed_before(self) -> tuple[int, float]:
        """How many requests had passed when it began to refuse, and within which time."""
        before = [each for each in self._known.log if self.began_at_s <= each.at_s <= self._refused_at_s]
        return sum(each.admitted for each in before), self._refused_at_s - self.began_at_s

    def explanation(self) -> Explanation | None:
        """Return what explains the refusals best."""
        return explain(self.log, self._known.tolerance_s, self.refills, self.guessed)

    def steps(self) -> Asked:
        """Ask; return whether it refused requests twice, so that it is a limit and no accident."""
        known = self._known
        refused_at_s = self._refused_at_s = known.now_s
        yield from self._top_up(self._input_tokens)
        yield from self._ask_others()
        self.asked_others = True
        refused, admitted = yield from self._released(self.began_at_s)
        self.released = True
        admitted_before = sum(each.admitted and self.began_at_s <= each.at_s <= refused_at_s for each in known.log)
        if not admitted_before:  # it was full of what others sent
            return False
        length_s = admitted - self.began_at_s
        tolerance_s = known.tolerance_s
        span_s = min(refused_at_s - self.began_at_s, length_s)
        apart_s = length_s / 4 if admitted_before == 1 else 0.0  # so that its end differs from that of a fixed window
        yield from known.do(Pause(admitted + span_s + 2 * tolerance_s + apart_s))
        self.complete = yield from self._second_time(admitted_before, length_s, span_s, (refused + admitted) / 2)
        return self.complete

    def once_more(self) -> Asked:
        """Ask again, for what the first time did not tell."""
        known = self._known
        self.began_at_s = known.now_s
        yield from known.send(3 * self._full(known.now_s, self._input_tokens), self._input_tokens)
        return (yield from self.steps())

    def _second_time(self, admitted_before: int, length_s: float, span_s: float, released_at_s: float) -> Asked:
        """Fill it in two parts, and see what it lets through after that."""
        known = self._known
        other = self._input_tokens // 4 if self._input_tokens else OTHER_INPUT_TOKENS
        tolerance_s = known.tolerance_s
        number = max(1, min(admitted_before // 2, known.at_once, _MOST_IN_PART))
        first_at_s = known.now_s
        part = yield from known.send(number, other)
        begun_at_s = part[0].at_s if part else first_at_s
        gap_s = max(min((length_s - span_s) / 2, _LONGEST_GAP * length_s), 3 * tolerance_s)
        yield from known.do(Pause(known.now_s + gap_s))
        most = 3 * self._full(released_at_s, other)
        rest = yield from known.send(most, other)
        if not any(each.refused for each in rest):
            return False
        yield from self._top_up(other)
        yield from self._released(begun_at_s, length_s)
        yield from known.do(Pause(known.now_s + gap_s / 2))
        burst = yield from known.send(number + _MORE_THAN_PART, other, until_refused=False)
        if not any(each.refused for each in burst):
            if not self._refills_soon and self._is_fixed():
                return True
            yield from known.send(most, other)
        yield from self._measure_refill(released_at_s, other)
        return True

    def _full(self, until_s: float, input_tokens: int) -> int:
        """Return how many requests of that size are as much as all that passed in the minute before, at most."""
        passed = [each for each in self._known.log if each.admitted and until_s - _LOOK_BACK_S <= each.at_s <= until_s]
        tokens = sum(each.tokens for each in passed)
        return max(len(passed), tokens // self._known.tokens(input_tokens)) + 1

    def _is_fixed(self) -> bool:
        """Whether a fixed window alone explains what was seen, which is no bucket then."""
        found = self.explanation()
        return found is not None and found.holds and found.windows == (Window.FIXED,)

    def _top_up(self, input_tokens: int) -> Steps:
        """Send shorter and shorter requests until the shortest is refused, so that nothing is left."""
        while input_tokens:
            input_tokens = input_tokens // 4 if input_tokens >= OTHER_INPUT_TOKENS else 0
            yield from self._known.send(_MOST_IN_PART, input_tokens, most_at_once=_FEW)
        controls = yield from self._known.send(_CONTROLS, until_refused=False, most_at_once=_FEW)
        self._refills_soon = self._refills_soon or any(each.admitted for each in controls)

    def _ask_others(self) -> Steps:
        """Ask whether the second model, and the second key, are refused while the first is."""
        if self._models > 1:
            self.separate_model = yield from self._passes(model=1, key=0)
        if self._keys > 1:
            self.separate_key = yield from self._passes(model=0, key=1)

    def _passes(self, model: int, key: int) -> Generator[Volley | Pause, tuple[float, Sequence[Seen]], bool | None]:
        """Return whether another passes right after the first was refused; None where that can't be seen.

        Once it has passed, it may be refused because a counter of its own is full, too, which takes time to pass.
        """
        known, passed, wait_s = self._known, 0, _SCOPE_WAIT_S
        for _ in range(_SCOPE_TRIES):
            yield from known.send(_MOST_IN_PART)
            own = yield from known.send(1)
            (other,) = yield from known.do(Volley(requests=1, model=model, key=key))
            if own[0].refused and other.refused:
                if not passed:
                    return False  # a counter of its own would have had room
                yield from known.do(Pause(known.now_s + wait_s))
                wait_s *= 2
            passed += own[0].refused and other.admitted
            if passed >= _SCOPE_PASSES:
                return True
        return None

    def _released(self, since_s: float, expected_s: float | None = None) -> Passed:
        """Send one short request after the other until one passes; return when the last was refused and this passed."""
        known = self._known
        refused_at_s = known.now_s
        while True:
            yield from known.wait_for_room(1)
            (seen,) = yield from known.do(Volley(requests=1))
            if seen.admitted:
                return refused_at_s, seen.at_s
            refused_at_s = seen.at_s if seen.refused else refused_at_s
            yield from known.do(Pause(known.now_s + _gap_s(known.now_s - since_s, expected_s)))

    def _measure_refill(self, released_at_s: float, input_tokens: int) -> Steps:
        """Keep it empty for a while, and measure what passes."""
        known = self._known
        since = [each for each in known.log if each.at_s >= released_at_s and each.admitted]
        took_s = known.now_s - released_at_s
        if not since or took_s <= 0:
            return
        passed = min(len(since), sum(each.tokens for each in since) / known.tokens(input_tokens))
        gap_s = took_s / passed / _TRIES_FOR_A_REFILL
        seen = yield from self._kept_empty(input_tokens, gap_s, _FIRST_TRIES)
        while gap_s > max(_LEAST_GAP_S / 8, known.spacing_s(input_tokens)) and _mostly_passed(seen):
            gap_s /= 2  # it is refilled faster than that
            seen = yield from self._kept_empty(input_tokens, gap_s, 2 * _FIRST_TRIES)
        if any(each.admitted for each in seen):
            more = yield from self._kept_empty(input_tokens, gap_s, _REFILLS * _TRIES_FOR_A_REFILL)
            self.refills = list(_refills([*seen, *more]))
            if _mostly_passed(more):  # what passes is what was sent: it may be refilled at least as fast
                self.guessed = [(unit, per_s * _STEP**step) for unit, per_s in _sent(more) for step in _STEPS]

    def _kept_empty(
        self, input_tokens: int, gap_s: float, requests: int
    ) -> Generator[Volley | Pause, tuple[float, Sequence[Seen]], Sequence[Seen]]:
        """Send requests all the time, or as often as the known limits allow for."""
        known = self._known
        yield from known.wait_for_room(known.fitting(requests, input_tokens), input_tokens)
        volley = Volley(
            requests=requests,
            at_once=max(known.at_once, 2),
            input_tokens=input_tokens,
            gap_s=max(gap_s, known.spacing_s(input_tokens)),
            until_refused=False,
        )
        return (yield from known.do(volley))


def _sent(seen: Sequence[Seen]) -> Iterator[tuple[Unit, float]]:
    """Yield what passed per second."""
    admitted = [each for each in seen if each.admitted]
    over_s = max(seen[-1].at_s - seen[0].at_s, _LEAST_GAP_S / 8)
    yield Unit.REQUESTS, len(admitted) / over_s
    yield Unit.TOKENS, sum(each.tokens for each in admitted) / over_s


def _mostly_passed(seen: Sequence[Seen]) -> bool:
    return sum(each.refused for each in seen) < len(seen) / 2


def _refills(seen: Sequence[Seen]) -> Iterator[tuple[Unit, float]]:
    """Yield what passed per second between two instants at which there was just enough for one more."""
    found = releases(seen)
    if len(found) < 3:
        return
    usual_s = median(after.at_s - before.at_s for before, after in found)
    passed = [each for each in found if each[1].at_s - each[0].at_s <= 2 * usual_s]
    first, last = passed[0][1], passed[-1][1]
    between = [each for each in seen if each.admitted and first.at_s < each.at_s <= last.at_s]
    over_s = max(last.at_s - first.at_s, _LEAST_GAP_S / 8)
    yield Unit.REQUESTS, len(between) / over_s
    yield Unit.TOKENS, sum(each.tokens for each in between) / over_s


def _gap_s(elapsed_s: float, expected_s: float | None) -> float:
    """Return the time to the next request that waits for a release: dense where it is expected."""
    gap_s = max(_LEAST_GAP_S, _SPARSE * elapsed_s)
    if expected_s is None:
        return gap_s
    if abs(elapsed_s - expected_s) <= _NEAR * expected_s:
        return max(_LEAST_GAP_S, _DENSE * expected_s)
    begins_s = (1 - _NEAR) * expected_s - elapsed_s
    return min(gap_s, begins_s + 0.001) if begins_s > 0 else gap_s
