"""The search for all limits of a relay: stage after stage, each within the limits that are known by then.

1. **At once.** One request, two, four and so on at the same time, up to the most that is allowed.
2. **Requests.** The shortest requests, as fast as the known limits allow, for a little more than a minute.
3. **Tokens.** The same with long prompts, so that tokens run out before requests do.
4. **Failures.** Malformed requests, to see whether these count as well.

Whenever one is refused for which the known limits have room, `Identification` finds out why.
"""

from collections.abc import Callable, Generator, Sequence

from msgspec import Struct, structs

from relayload.core.limits.findings import Counts, FoundLimit, Kind, Limits, Unlimited
from relayload.core.limits.identify import Identification
from relayload.core.limits.in_flight import InFlight
from relayload.core.limits.known import Known
from relayload.core.limits.observation import Pause, Seen, Stopped, Verdict, Volley
from relayload.core.limits.profile_block import max_in_flight, quota
from relayload.core.limits.results import (
    describe,
    failures,
    implied,
    limit_of,
    per_of,
    per_unknown,
    retry_after,
    stated_limits,
)
from relayload.core.limits.steps import Steps

LONG_INPUT_TOKENS = (128, 512, 2048)
_STAGE_S = 65.0
"""How long a stage goes on without a refusal: longer than a minute, the usual length of windows."""
_STAGE_SHARE = 0.3
"""The most of all requests that a stage takes without a refusal."""
_STAGE_TOKENS = 0.4
"""Likewise of all tokens."""
_OVERLOADED = 0.2
_OVERLOADS = 3
"""If that part of what is sent at once finds it overloaded so often, it is so by their number; fewer are chance."""
_MOST_ACCIDENTS = 3
"""So many refusals that no limit explains, and the stage ends."""
_SLACK_S, _MOST_SLACK_S = 0.1, 0.2
"""By how much earlier than planned requests may come, each time that this shows, and how often it is believed."""
_MOST_MALFORMED = 10
_HALF_MORE = 0.01
_REFILL_ERROR = 0.05
"""How well the refill of a bucket is known."""
_PAST_S = 0.1


class Terms(Struct, frozen=True, kw_only=True):
    """What a search may do."""

    max_requests: int = 3000
    max_tokens: int = 1_000_000
    max_at_once: int = 64
    models: int = 1
    keys: int = 1
    long_input_tokens: tuple[int, ...] = LONG_INPUT_TOKENS
    """The prompts of the stage of tokens; none to leave it out."""


Found = Generator[Volley | Pause, tuple[float, Sequence[Seen]], bool]


class Search:
    """One search. `steps` says what to do; `found` is what is known by then, at any time."""

    def __init__(self, terms: Terms, tell: Callable[[str], None] = lambda _: None) -> None:
        """`tell` gets a line about everything that begins, and all that is found."""
        self._terms = terms
        self._known = Known(tell)
        self._notes: list[str] = []
        self._unlimited: list[Unlimited] = []
        self._open: Identification | None = None
        """The limit that is being found out."""
        self._accidents = 0
        self.ended_by = ""

    def steps(self, now_s: float, before: Sequence[Seen] = ()) -> Steps:
        """Yield volleys and pauses until all is known or a cap ends it; each is answered by the time and what was seen.

        `before` is what was seen of short requests that were sent already.
        """
        self._known.now_s = now_s
        self._known.take(Volley(requests=len(before)), before)
        try:
            yield from self._at_once()
            yield from self._requests()
            yield from self._tokens()
            yield from self._failures()
        except Stopped as stopped:
            self.ended_by = str(stopped)

    def found(self) -> Limits:
        """Return all that was found so far."""
        known, limits = self._known, list(self._known.limits)
        notes = list(self._notes)
        if self._open is not None:
            unfinished = self._unfinished(self._open)
            limits += unfinished
            if not unfinished:
                passed, for_s = self._open.passed_before
                notes.append(
                    f"{passed} requests passed in {for_s:.3g}s and then some were refused, by a limit that was not "
                    "told when the search ended"
                )
        return Limits(
            limits=tuple(limits),
            no_limit_up_to=tuple(self._unlimited),
            stated=tuple(stated_limits(known.everything, limits)),
            notes=(*notes, *failures(known.everything)),
            ended_by=self.ended_by,
            client=quota(limits),
            max_in_flight=max_in_flight(limits),
        )

    def _at_once(self) -> Steps:
        known, number, steady = self._known, 1, True
        in_flight = InFlight(known, self._terms.models, self._terms.keys)
        began_at_s = known.log[0].at_s if known.log else known.now_s
        while number <= self._terms.max_at_once and known.fitting(number) == number:
            known.tell(f"{number} at once")
            yield from known.wait_for_room(number)
            seen = yield from known.do(Volley(requests=number, at_once=number, until_refused=False))
            passed = sum(each.admitted for each in seen)
            if any(each.refused for each in seen):
                if passed > 0 and number > 1 and (yield from in_flight.counts(number, passed)):
                    known.at_once = passed
                    self._unlimited = []
                    self._add((yield from in_flight.limit(passed)))
                    return
                known.at_once = number  # what is in flight was not the reason
                if not (yield from self._identified(0, began_at_s)) and self._accidents >= _MOST_ACCIDENTS:
                    return
                began_at_s = known.now_s
                known.at_once = min(known.at_once, max(1, number // 2))
                continue
            if (yield from self._is_overloaded(number, seen)):
                return
            steady = steady and passed == number
            if steady:
                known.at_once = number
                self._passed(Counts.CONCURRENT, number, None)
            number *= 2
        if number <= self._terms.max_at_once:
            self._notes.append(f"more than {known.at_once} at once were not tried: other limits refuse them before")

    def _is_overloaded(self, number: int, seen: Sequence[Seen]) -> Found:
        """Return whether so many at once are too many for it, again and again."""
        known = self._known
        for _ in range(_OVERLOADS):
            overloaded = sum(each.verdict is Verdict.OVERLOADED for each in seen)
            if overloaded < max(1, _OVERLOADED * number):
                return False
            yield from known.wait_for_room(number)
            seen = yield from known.do(Volley(requests=number, at_once=number, until_refused=False))
        self._notes.append(f"with {number} at once, {overloaded} of them find it overloaded, which is no quota")
        return True

    def _requests(self) -> Steps:
        known = self._known
        known.tell("the shortest requests, as fast as they pass")
        yield from self._pushed(0, int(_STAGE_SHARE * self._terms.max_requests))

    def _tokens(self) -> Steps:
        known, sizes = self._known, self._terms.long_input_tokens
        for position, input_tokens in enumerate(sizes):
            if known.fitting(2, input_tokens) < 2 and known.limits:
                continue
            known.tell(f"prompts of {input_tokens:,} tokens, as fast as they pass")
            share = _STAGE_TOKENS / (1 if position == len(sizes) - 1 else 10)
            number = int(share * self._terms.max_tokens / known.tokens(input_tokens))
            last = position == len(sizes) - 1
            yield from self._pushed(input_tokens, max(2, number), _STAGE_S if last else _STAGE_S / 10)

    def _pushed(self, input_tokens: int, most: int, for_s: float = _STAGE_S) -> Steps:
        """Send as fast as the known limits allow, and find out what refuses; until nothing new is to be expected."""
        known = self._known
        began_at_s, sent, tokens = known.now_s, 0, 0
        while sent < most and known.now_s < began_at_s + for_s and self._goes_on(input_tokens):
            seen = yield from known.send(
                min(most - sent, max(1, known.fitting(most - sent, input_tokens))), input_tokens
            )
            sent += len(seen)
            tokens += sum(each.tokens for each in seen if each.admitted)
            if any(each.refused for each in seen):
                if not (yield from self._identified(input_tokens, began_at_s)) and self._accidents >= _MOST_ACCIDENTS:
                    return
                began_at_s, sent, tokens = known.now_s, 0, 0
        if sent:
            counts = Counts.TOKENS if input_tokens else Counts.REQUESTS
            self._passed(counts, tokens if input_tokens else sent, max(known.now_s - began_at_s, _PAST_S))

    def _goes_on(self, input_tokens: int) -> bool:
        """Whether a limit may be found beside the known ones, of which one of a minute or more hides what is longer."""
        counts = Counts.TOKENS if input_tokens else Counts.REQUESTS
        known = [each for each in self._known.limits if each.counts is counts]
        return all(each.window_s is not None and each.window_s < _STAGE_S - 5 for each in known)

    def _identified(self, input_tokens: int, began_at_s: float) -> Found:
        """Find out what refused; return whether that is known now."""
        known = self._known
        if (yield from self._came_too_early(input_tokens)):
            return False
        known.tell("refused: which limit is it?")
        one = self._open = Identification(known, input_tokens, began_at_s, self._terms.models, self._terms.keys)
        again = yield from one.steps()
        found = one.explanation() if again else None
        if found is not None and found.holds and not found.told:
            known.tell("which kind is it? Once more")
            yield from one.once_more()
            found = one.explanation()
        self._open = None
        if found is None or not found.holds:
            self._accidents += 1
            self._note_accident(one.log)
            return False
        per = per_of(one.separate_model, one.separate_key)
        self._add(limit_of(found, per, self._per_unknown(one), retry_after(one.log)))
        return True

    def _came_too_early(self, input_tokens: int) -> Found:
        """Whether a known limit refused, since a busy machine or network delivered requests closer to one another."""
        known = self._known
        windows_s = [each.window_s for each in known.limits if each.window_s is not None]
        if not windows_s or known.slack_s >= _MOST_SLACK_S:
            return False
        yield from known.do(Pause(known.now_s + max(windows_s) + known.tolerance_s))
        one = yield from known.send(1, input_tokens)
        if one[0].refused:
            return False
        known.slack_s += _SLACK_S
        return True

    def _unfinished(self, one: Identification) -> list[FoundLimit]:
        """Return what is known of a limit that was being found out when the search ended."""
        found = one.explanation()
        if found is None or not found.holds or (one.released and not one.complete):
            return []
        longer_than_s = None if one.released else one.refused_for_s
        per = per_of(one.separate_model, one.separate_key)
        unknown = self._per_unknown(one) if one.asked_others else "the search ended before it was asked"
        return [limit_of(found, per, unknown, retry_after(one.log), longer_than_s=longer_than_s)]

    def _per_unknown(self, one: Identification) -> str:
        return per_unknown(self._terms.models, self._terms.keys, one.separate_model, one.separate_key)

    def _failures(self) -> Steps:
        for limit in self._known.limits:
            if limit.counts is Counts.REQUESTS and limit.amount and limit.window_s:
                yield from self._failures_of(limit, limit.amount, limit.window_s)

    def _failures_of(self, limit: FoundLimit, amount: int, window_s: float) -> Steps:
        """See whether malformed requests leave less of a limit."""
        known = self._known
        smallest = min(each.amount or 0 for each in known.limits if each.counts is Counts.REQUESTS)
        number = min(amount // 2, smallest, _MOST_MALFORMED)
        if number < (2 if limit.kind is Kind.BUCKET else 1) or limit.kind is None:
            return
        known.tell(f"do failed requests count towards {describe(limit)}?")
        yield from known.do(Pause(known.now_s + 1.02 * window_s + 2 * known.tolerance_s))
        others, known.limits = known.limits, [each for each in known.limits if each is not limit]
        try:
            bad = yield from known.do(
                Volley(requests=number, at_once=known.at_once, until_refused=False, malformed=True)
            )
            began_at_s = known.now_s
            seen = yield from known.send(amount + number + _MOST_MALFORMED)
        finally:
            known.limits = others
        per_s = limit.refill_per_s or 0.0
        refilled = per_s * (known.now_s - began_at_s)
        if per_s * known.tolerance_s + _REFILL_ERROR * refilled > number / 4:
            return
        passed = sum(each.admitted for each in seen) - refilled
        if all(each.verdict is Verdict.FAILED for each in bad) and any(each.refused for each in seen):
            rooms = ((False, amount), (True, amount - number))
            told = next((counts for counts, room in rooms if abs(passed - room) < number / 2 + _HALF_MORE), None)
            known.limits[known.limits.index(limit)] = structs.replace(limit, failed_count=told)

    def _add(self, limit: FoundLimit) -> None:
        others = [each for each in self._known.limits if not implied(each, limit)]
        self._known.limits = [*others, limit]
        self._known.tell(f"found: {describe(limit)}")

    def _passed(self, counts: Counts, amount: int, within_s: float | None) -> None:
        self._unlimited = [each for each in self._unlimited if each.counts is not counts]
        self._unlimited.append(Unlimited(counts=counts, amount=amount, within_s=within_s))

    def _note_accident(self, log: Sequence[Seen]) -> None:
        refused = sum(each.refused for each in log)
        note = f"{refused} of {len(log)} requests were refused without a pattern that a quota of this key would have"
        self._notes = [each for each in self._notes if "without a pattern" not in each]
        self._notes.append(note)
