"""Does a relay count tokens as they are? What it reported beside what was counted here, and what that costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from msgspec import structs

from relayload.core.audit.counted import InputCounts, Pair, hides_reasoning, output_pair, output_pairs
from relayload.core.audit.faults import faults
from relayload.core.audit.findings import Tokens, Usage
from relayload.core.audit.token_line import EACH_END, FEWEST, Estimate, token_line
from relayload.core.model.audited import Audited
from relayload.core.price import Price
from relayload.core.stats.binomial import student_quantile
from relayload.core.stats.weighted_median import weighted_median


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What the tokens of a model cost, and how many requests a month has."""

    price: Price
    requests_per_month: float


def usage(
    answers: Sequence[Audited], reference: Sequence[Audited] = (), payment: Payment | None = None, seed: int = 0
) -> Usage:
    """Return what the answers of one target by one model tell of its reports. There is at least one.

    The reports of a reference stand in for counts where the encoding is not known.
    """
    encoding = next((each.encoding for each in answers if each.encoding), None)
    known = any(each.counted_input is not None for each in answers)
    counts = InputCounts(() if known else reference)
    read = _tokens(counts.pairs(answers), seed)
    written = _written(output_pairs(answers), seed)
    return Usage(
        target=answers[0].target,
        model=answers[0].model,
        answers=len(answers),
        encoding=encoding,
        reference=reference[0].target if reference and read and not known else None,
        unknown=None if read or written else _why_unknown(answers, encoding),
        input=read,
        output=written,
        hidden_reasoning=sum(map(hides_reasoning, answers)),
        faults=faults(answers, counts, seed),
        usd_per_month=None if payment is None else _usd_per_month(answers, counts, payment),
    )


def _tokens(known: Sequence[tuple[Audited, Pair]], seed: int) -> Tokens | None:
    if not known:
        return None
    pairs = [pair for _, pair in known]
    line = token_line(pairs, seed)
    return Tokens(
        answers=len(pairs),
        counted=sum(pair.counted for pair in pairs),
        reported=sum(pair.reported for pair in pairs),
        factor=line.factor,
        offset=line.offset,
        off_line=line.off_line,
    )


def _written(known: Sequence[tuple[Audited, Pair]], seed: int) -> Tokens | None:
    """Return what is told of the output. A factor that is not 1 has an interval that a token of rounding leaves open.

    Answers are short, and what is added to each may have been rounded up. Unlike a prompt, they have no hidden part
    beyond the token that ends them, so that the ratio of what was reported to what was counted bounds the factor, too.
    """
    tokens = _tokens(known, seed)
    if tokens is None or tokens.factor is None or tokens.offset is None:
        return tokens
    line = tokens.factor
    if line.low <= 1 <= line.high:
        if tokens.offset.value <= _END_TOKEN:
            return tokens
        line = Estimate(*[_usual_ratio([pair for _, pair in known], 0)] * 3)
    low, high = (_usual_ratio([pair for _, pair in known], more) for more in (-1, 1))
    return structs.replace(tokens, factor=replace(line, low=min(low, line.low), high=max(high, line.high)))


_END_TOKEN = 1
"""Some relays count the token that ends an answer, which is no text."""


def _usual_ratio(pairs: Sequence[Pair], more: int) -> float:
    """Return the median ratio, each weighed by its count, if every report had so many tokens more."""
    return weighted_median(((pair.reported + more) / pair.counted, pair.counted) for pair in pairs if pair.counted)


def _why_unknown(answers: Sequence[Audited], encoding: str | None) -> str:
    if all(each.input_tokens is None and each.output_tokens is None for each in answers):
        return "it reports no tokens"
    if encoding is None:
        return f"the tokens of {answers[0].model} can't be counted here, and no reference reported the same requests"
    return "no answer was counted"


def _usd_per_month(answers: Sequence[Audited], counts: InputCounts, payment: Payment) -> Estimate | None:
    """Return the cost of what was reported beyond the counts, by the mean over the traffic of the profile.

    The questions of the audit count where there is no other traffic.
    """
    traffic = [each for each in answers if each.question is None] or answers
    found = [usd for each in traffic if (usd := _usd(each, counts, payment.price)) is not None]
    if len(found) < FEWEST:
        return None
    mean = fmean(found)
    far = student_quantile(EACH_END, len(found) - 1) * stdev(found) / math.sqrt(len(found))
    return Estimate(*(each * payment.requests_per_month for each in (mean, mean - far, mean + far)))


def _usd(answer: Audited, counts: InputCounts, price: Price) -> float | None:
    """Return what the report of one answer costs beyond its counts; None where neither side was counted."""
    read, written = counts.pair(answer), output_pair(answer)
    if read is None and written is None:
        return None
    read, written = read or _NOTHING, written or _NOTHING
    cached = answer.cached_input_tokens or 0
    hidden = answer.reasoning_tokens or 0 if hides_reasoning(answer) else 0
    thought = 0 if hidden else min(answer.reasoning_tokens or 0, written.reported)
    reported = price.usd_of(read.reported, written.reported, min(cached, read.reported), thought)
    thought = min(answer.counted_reasoning or 0, thought and written.counted)
    return float(reported - price.usd_of(read.counted, written.counted, min(cached, read.counted), thought))


_NOTHING = Pair(0, 0)
