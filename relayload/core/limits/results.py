"""Words for what was found: the limit that an explanation stands for, and what the relay says of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median_low

from relayload.core.limits.conformance import Unit, Window
from relayload.core.limits.findings import Counts, FoundLimit, Kind, Per, RetryAfter, StatedLimit
from relayload.core.limits.inference import LENGTHS_S, Explanation, sure_releases
from relayload.core.limits.observation import Seen, Verdict

_NEAR = 0.05
"""How far apart lengths may be that are told as one."""
_NEAR_WHOLE = 0.1
"""Likewise where one of them is of whole seconds, which is likelier."""
_MOST_APART = 1.15
"""Likewise the refills of buckets, as a quotient."""
_MOST_ALIKE = 1.01
"""Likewise sizes, in words."""
_BUCKET_ERROR = 0.05
"""How well the depth of a bucket is known."""


def limit_of(
    found: Explanation,
    per: Per | None,
    per_unknown: str,
    retry_after: RetryAfter | None,
    *,
    longer_than_s: float | None = None,
) -> FoundLimit:
    """Return the limit. `longer_than_s` is given for one that let nothing through again."""
    best, not_told = found.best, []
    kind = Kind(best.shape.window.value) if len(found.windows) == 1 else None
    unit = best.shape.unit
    counts = Counts.REQUESTS if unit is Unit.REQUESTS else Counts.TOKENS
    if len(found.units) > 1:
        counts = Counts.UNKNOWN
        not_told.append("requests or tokens: either explains what was seen")
    if kind is None:
        *others, last = (each.value for each in found.windows)
        not_told.append(f"kind: {', '.join(others)} and {last} explain what was seen equally well")
    window_s = _length_s(found) if longer_than_s is None else None
    if longer_than_s is not None:
        not_told = ["kind and length: nothing was let through again before the search ended"]
        kind = None
    elif window_s is None:
        not_told.append(_unknown_length(found))
    if per is None:
        not_told.append(f"per key or model: {per_unknown}")
    bucket = best.shape.window is Window.BUCKET
    refused_count = None if bucket or window_s is None else found.refused_count
    requests = (each for each in found.alike if each.shape.unit is Unit.REQUESTS)
    size = next(requests) if counts is Counts.UNKNOWN else best
    return FoundLimit(
        counts=counts,
        amount=size.least,
        amount_at_most=size.most if size.most > size.least else None,
        kind=kind,
        window_s=window_s,
        longer_than_s=longer_than_s,
        refill_per_s=best.shape.refill_per_s if kind is Kind.BUCKET and window_s is not None else None,
        per=per,
        refused_count=refused_count,
        retry_after=retry_after,
        not_told=tuple(not_told),
        refusals=best.refusals,
        unexplained=best.unexplained,
    )


def per_of(separate_model: bool | None, separate_key: bool | None) -> Per | None:
    """Return what has a counter of its own; None where too few models or keys were there to tell."""
    if separate_model is None or separate_key is None:
        return None
    if separate_model:
        return Per.KEY_AND_MODEL if separate_key else Per.MODEL
    return Per.KEY if separate_key else Per.ALL


def per_unknown(models: int, keys: int, separate_model: bool | None, separate_key: bool | None) -> str:
    """Return why `per_of` returns None with so many models and keys."""
    if models < 2 and keys < 2:
        return "the profile has one model and one key"
    if separate_model is not None and keys < 2:
        counters = "counters of their own" if separate_model else "one counter"
        return f"models have {counters}; whether keys have takes a second one in target.keys"
    if separate_key is not None and models < 2:
        counters = "counters of their own" if separate_key else "one counter"
        return f"keys have {counters}; whether models have takes a scenario with a second one"
    return "it let requests through again too soon to ask"


def failures(seen: Sequence[Seen]) -> Iterator[str]:
    """Tell how many requests failed for other reasons than limits, and why, the commonest reason first."""
    for verdict, what in ((Verdict.OVERLOADED, "found it overloaded, which is no quota"), (Verdict.FAILED, "failed")):
        reasons = Counter(each.reason for each in seen if each.verdict is verdict).most_common()
        if reasons:
            more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
            yield f"{sum(n for _, n in reasons)} of {len(seen)} requests {what}: {reasons[0][0]}{more}"


def _length_s(found: Explanation) -> float | None:
    """Return the length of the window, or how long a bucket takes to be full; None where it can't be told."""
    shape, refills_per_s = found.best.shape, found.refills_per_s
    if shape.refill_per_s:
        if refills_per_s[-1] > _MOST_APART * refills_per_s[0]:
            return None
        full_s = found.best.least / shape.refill_per_s
        return next((each for each in LENGTHS_S if abs(each - full_s) <= _NEAR * each), full_s)
    lengths_s = found.lengths_s
    whole = shape.window_s is not None and shape.window_s.is_integer()
    near = lengths_s[-1] - lengths_s[0] <= (_NEAR_WHOLE if whole else _NEAR) * lengths_s[-1]
    return shape.window_s if near else None


def _unknown_length(found: Explanation) -> str:
    if refills_per_s := found.refills_per_s:
        least, most = _number(refills_per_s[0]), _number(refills_per_s[-1])
        return f"refill: anything from {least} to {most}/s explains what was seen"
    lengths_s = found.lengths_s
    return f"length: anything from {lengths_s[0]:g}s to {lengths_s[-1]:g}s explains what was seen"


def _number(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def retry_after(seen: Sequence[Seen]) -> RetryAfter | None:
    """Compare the waits that refusals asked for with when the next request of the same length passed.

    None where none asked, or nothing passed again.
    """
    told = []
    for before, after in sure_releases(seen):
        asking = [each for each in _streak(seen, before) if each.retry_after_s is not None]
        if asking:
            told.append((asking, before, after))
    if not told:
        return None
    due = [(each.at_s + (each.retry_after_s or 0.0), a, b) for asking, a, b in told for each in asking]
    asking, before, after = max(told, key=lambda each: each[2].at_s - each[0][0].at_s)
    return RetryAfter(
        asked_s=asking[0].retry_after_s or 0.0,
        passed_after_s=after.at_s - asking[0].at_s,
        uncertain_s=after.at_s - before.at_s,
        too_long_s=max(0.0, max(due_s - b.at_s for due_s, _, b in due)),
        too_short_s=max(0.0, max(a.at_s - due_s for due_s, a, _ in due)),
    )


def _streak(seen: Sequence[Seen], last: Seen) -> list[Seen]:
    """Return the refusals of requests of one length that ended with this one, first one first."""
    found: list[Seen] = []
    for each in reversed(seen[: seen.index(last) + 1]):
        if not each.refused or each.tokens != last.tokens:
            break
        found.append(each)
    return found[::-1]


def stated_limits(seen: Sequence[Seen], limits: Sequence[FoundLimit]) -> Iterator[StatedLimit]:
    """Compare each limit that headers state with those that were found."""
    known = {(each.header, each.limit): each for one in seen for each in one.stated}
    left: dict[tuple[str, int], list[int]] = {}
    for one in seen:
        for each in one.stated if one.refused else ():
            enough = (each.remaining or 0) >= (one.tokens if each.of_tokens else 1)
            left.setdefault((each.header, each.limit), []).append((each.remaining or 0) if enough else 0)
    for (header, limit), each in known.items():
        counts = Counts.TOKENS if each.of_tokens else Counts.REQUESTS
        alike = [found for found in limits if found.counts in (counts, Counts.UNKNOWN)]
        fits = [found for found in alike if _is(found, limit) and not (each.of_tokens and found.counts is not counts)]
        alike = [found for found in alike if found.counts is counts and found.window_s is not None]
        if fits:
            remark = f"fits {describe(fits[0])}"
        elif alike:
            remark = f"no: found {', '.join(map(describe, alike))}"
        else:
            remark = f"no limit of {counts.value} was found to compare it with"
        true = True if fits else False if alike else None
        remains = median_low(left.get((header, limit), [0]))  # a few refusals may have another reason
        if remains and fits and len(limits) == 1:
            true, remark = False, f"{remark}, but says that {remains} remain when it refuses"
        yield StatedLimit(header=header, limit=limit, true=true, remark=remark)


def _is(found: FoundLimit, limit: int) -> bool:
    error = _BUCKET_ERROR if found.kind is Kind.BUCKET else 0.0
    return (1 - error) * found.amount <= limit <= (1 + error) * (found.amount_at_most or found.amount)


def implied(found: FoundLimit, newer: FoundLimit) -> bool:
    """Return whether a limit could never refuse anything beside a newer one, so that this is what refused."""
    if found.counts is not newer.counts or newer.kind is Kind.BUCKET or not found.window_s or not newer.window_s:
        return False
    times = found.window_s / newer.window_s
    return times >= 1 and (newer.amount_at_most or newer.amount) * times <= found.amount


def describe(limit: FoundLimit) -> str:
    """Return a limit as people write it: `300 requests/min`, `5 in flight`."""
    if limit.counts is Counts.CONCURRENT:
        return f"{limit.amount} in flight"
    unit = "short requests" if limit.counts is Counts.UNKNOWN else limit.counts.value
    most = limit.amount_at_most or limit.amount
    at_most = f" to {most:,}" if most > _MOST_ALIKE * limit.amount else ""
    amount = f"{limit.amount:,}{at_most} {unit if most > 1 else unit.removesuffix('s')}"
    if limit.window_s is None:
        return f"{amount}, window not told"
    return f"{amount}/{length(limit.window_s)}"


def length(seconds: float) -> str:
    """Return the length of a window as it stands behind a slash: `s`, `min`, `h`, `10s`."""
    return {1.0: "s", 60.0: "min", 3600.0: "h"}.get(seconds, f"{seconds:.3g}s")
