"""What a search knows so far: what was sent, which limits were found, and what they leave room for.

A search stays within the limits that it knows, with a margin, so that a refusal speaks of another one.
"""

from collections.abc import Callable, Generator, Sequence
from statistics import median

from relayload.core.limits.findings import Counts, FoundLimit, Kind
from relayload.core.limits.observation import Pause, Seen, Stopped, Verdict, Volley
from relayload.core.limits.steps import Steps

_LEAST_TOLERANCE_S, _MOST_TOLERANCE_S = 0.02, 0.25
_SLOW = 0.9
"""Answers slower than this part of them count as stray."""
_MARGIN, _BUCKET_MARGIN = 0.02, 0.08
"""By how much longer windows are taken than they were found to be; the refill of a bucket is known less well."""
_FAILURES = 5
"""So many failures in a row, refusals apart, end the search."""
_MESSAGE_TOKENS = 12
"""What a short request is expected to use before the first one has been answered."""


class Known:
    """The state of a search."""

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.tell = tell
        """Gets a line about everything that begins."""
        self.now_s = 0.0
        self.everything: list[Seen] = []
        self.log: list[Seen] = []
        """What was sent with the first key to the first model, which all limits are found by."""
        self.limits: list[FoundLimit] = []
        self.slack_s = 0.0
        """Added to every window, once requests were refused that came a little too early."""
        self.at_once = 1
        """How many at once have passed."""
        self._tokens: dict[int, int] = {}
        self._failed_in_a_row = 0

    def do(self, step: Volley | Pause) -> Generator[Volley | Pause, tuple[float, Sequence[Seen]], Sequence[Seen]]:
        """Have a step carried out, and return what was seen of it. Raises Stopped if nothing but failures come back."""
        self.now_s, seen = yield step
        if isinstance(step, Volley) and not step.malformed:
            self.take(step, seen)
        return seen

    def take(self, volley: Volley, seen: Sequence[Seen]) -> None:
        """Note what was seen of a volley. Raises Stopped if nothing but failures come back."""
        self.everything += seen
        self.log += [each for each in seen if each.model == each.key == 0]
        for each in seen:
            if each.admitted:
                self._tokens[volley.input_tokens] = each.tokens
            failed = each.verdict in (Verdict.FAILED, Verdict.OVERLOADED)
            self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
            if self._failed_in_a_row >= _FAILURES and volley.requests != volley.at_once:
                raise Stopped(f"{self._failed_in_a_row} requests in a row failed: {each.reason}")

    def wait_for_room(self, requests: int, input_tokens: int = 0) -> Steps:
        """Wait until all known limits have room for so many requests of that size."""
        at_s = self.room_at_s(requests, input_tokens)
        if at_s is not None and at_s > self.now_s:
            yield from self.do(Pause(at_s))

    def send(
        self, requests: int, input_tokens: int = 0, *, until_refused: bool = True, most_at_once: int = 1 << 30
    ) -> Generator[Volley | Pause, tuple[float, Sequence[Seen]], list[Seen]]:
        """Send as fast as the known limits allow; return what was seen, up to the first refusal if that is wanted."""
        found: list[Seen] = []
        while len(found) < requests:
            number = min(self.fitting(requests - len(found), input_tokens), max(_CHUNK, self.at_once))
            yield from self.wait_for_room(number, input_tokens)
            volley = Volley(
                requests=number,
                at_once=min(self.at_once, most_at_once),
                input_tokens=input_tokens,
                until_refused=until_refused,
            )
            seen = yield from self.do(volley)
            found += seen
            if not seen or (until_refused and any(each.refused for each in seen)):
                break
        return found

    def fitting(self, requests: int, input_tokens: int = 0) -> int:
        """Return how many of so many requests the known limits could ever take at once, at least one."""
        for limit in self.limits:
            if limit.counts is not Counts.CONCURRENT:
                requests = min(requests, limit.amount // self._weight(limit, input_tokens))
        return max(1, requests)

    def room_at_s(self, requests: int, input_tokens: int = 0) -> float | None:
        """Return when the known limits have room for so many requests; None if there never is."""
        at_s = self.now_s
        for limit in self.limits:
            if limit.counts is Counts.CONCURRENT or limit.window_s is None:
                continue
            room = limit.amount - requests * self._weight(limit, input_tokens)
            if room < 0:
                return None
            at_s = max(at_s, self._free_at_s(limit, room))
        return at_s

    def tokens(self, input_tokens: int) -> int:
        """Return what a request of that size uses, by those that were answered."""
        return self._tokens.get(input_tokens) or input_tokens + self._tokens.get(0, _MESSAGE_TOKENS)

    @property
    def tolerance_s(self) -> float:
        """How well it is known when the relay decided: by how long refusals take."""
        took_s = sorted(each.answered_at_s - each.at_s for each in self.log if each.refused)
        usual_s = max(2 * median(took_s), took_s[int(_SLOW * len(took_s))]) if took_s else 0.0
        return min(_MOST_TOLERANCE_S, max(_LEAST_TOLERANCE_S, usual_s))

    def spacing_s(self, input_tokens: int = 0) -> float:
        """Return the time between requests of that size at which they stay within every known limit for good."""
        spacings_s = [
            self._weight(each, input_tokens) * self._length_s(each) / each.amount
            for each in self.limits
            if each.counts is not Counts.CONCURRENT and each.amount and each.window_s
        ]
        return max(spacings_s, default=0.0)

    def _free_at_s(self, limit: FoundLimit, room: int) -> float:
        """Return when no more than `room` of what was sent lies in the window of a limit."""
        length_s = self._length_s(limit)
        counted = 0
        for each in reversed(self.log):
            if each.at_s + length_s < self.now_s:
                break
            if each.admitted or (limit.refused_count and each.refused):
                counted += each.tokens if limit.counts is Counts.TOKENS else 1
            if counted > room:
                return each.at_s + length_s
        return self.now_s

    def _length_s(self, limit: FoundLimit) -> float:
        margin = _BUCKET_MARGIN if limit.kind is Kind.BUCKET else _MARGIN
        return (limit.window_s or 0.0) * (1 + margin) + 2 * self.tolerance_s + self.slack_s

    def _weight(self, limit: FoundLimit, input_tokens: int) -> int:
        return self.tokens(input_tokens) if limit.counts is Counts.TOKENS else 1


_CHUNK = 16
"""How many are sent at least before the plan is looked at again."""
