"""Objectives in the syntax of other tools, and their equivalents here.

k6 writes `http_req_duration: p(95)<500` and `http_req_failed: rate<0.01`, function notation is `p95(ttft) < 500ms`,
benchmarks of models use `time_to_first_token`, `itl` and `e2e_latency`, and anyone may write `errors < 1%`. Nothing
here is read as an objective: these are suggestions to ask back, and the grammar decides which of them make sense.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

from relayload.core.metrics.catalog import METRICS
from relayload.core.metrics.metric import Unit


class _Meant(NamedTuple):
    """A metric of ours, and its aggregate if the foreign name implies one."""

    metric: str
    aggregate: str | None = None


_MIRRORED = MappingProxyType({"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="})
_OPS = MappingProxyType({"=<": "<=", "=>": ">=", "≤": "<=", "≥": ">=", "=": "==", "≠": "!="})
_SIDES = re.compile(r"(?P<left>(?:[^<>=!≤≥≠{]|\{[^{}]*\})+)(?P<op><=|>=|==|!=|=<|=>|[<>=≤≥≠])(?P<right>[^<>=!≤≥≠]+)")
_TAGS = re.compile(r"\{[^{}]*\}")
_PERCENTILE = re.compile(
    r"(?<![a-z0-9])(?:p|pct|percentile|quantile|q)[\s_.]?\(?\s*(?P<number>\d{1,2}(?:\.\d+)?)\s*\)?(?![a-z0-9%])|"
    r"(?<![a-z0-9.])(?P<ordinal>\d{1,2}(?:\.\d+)?)(?:(?:th|st|nd|rd)?[\s_-]*percentile|\s*%[\s-]?t?ile)"
)
_WORD = re.compile(r"[a-z0-9]+")
_AGGREGATES = MappingProxyType(
    {"avg": "avg", "mean": "avg", "average": "avg", "med": "p50", "median": "p50", "min": "min", "max": "max"}
    | {"maximum": "max", "minimum": "min", "rate": "rate", "count": "count", "ratio": "rate", "total": "count"}
    | {"per_second": "per_second", "usd": "usd", "trips": "trips"}
)
_USUAL_PERCENTILE = "p95"
_USUAL_METRIC = "latency"
"""The metric implied by `p99 < 2s`."""


def _named(metric: str, words: str, aggregate: str | None = None) -> dict[str, _Meant]:
    return dict.fromkeys(words.split(), _Meant(metric, aggregate))


_METRICS: Mapping[str, _Meant] = MappingProxyType(
    _named("latency", "http_req_duration duration response_time e2e e2el e2e_latency end_to_end_latency")
    | _named("latency", "request_latency total_latency iteration_duration responsetime response")
    | _named("ttft", "http_req_waiting time_to_first_token first_token first_token_latency first_token_time")
    | _named("tpot", "itl inter_token_latency time_per_output_token time_between_tokens tbt token_latency")
    | _named("chunk_gap", "icl inter_chunk_latency chunk_latency gap")
    | _named("errors", "http_req_failed error_rate failure_rate fail_ratio failed_rate", "rate")
    | _named("errors", "error failed failures failed_requests fails")
    | _named("errors", "error_count failure_count num_failures", "count")
    | _named("retries", "retry retry_rate", "rate")
    | _named("requests", "request_count num_requests http_reqs_count iterations iteration", "count")
    | _named("throughput", "rps qps reqs tps requests_per_second request_throughput http_reqs req_s", "per_second")
    | _named("output_tokens", "output_throughput token_throughput output_token_throughput tokens", "per_second")
    | _named("output_tokens", "tokens_per_second tok_s", "per_second")
    | _named("output_rate", "tokens_per_second_per_user output_token_throughput_per_user")
    | _named("cost", "costs usd spend dollars price", "usd")
    | _named("breaker", "breaker_trips circuit_breaker trips", "trips")
    | _named("batch", "makespan", "makespan")
)
"""Foreign names of metrics, in lower case and with `_` between words."""
_SUCCESS = frozenset(
    {"success_rate", "success", "ok_rate", "successes", "success_ratio", "availability", "checks", "checks_rate"}
)
_PLAIN = MappingProxyType({"errors": "rate", "retries": "rate", "goodput": "rate", "requests": "count"})
"""The most likely aggregate where none was written."""


def candidates(text: str) -> Iterator[str]:
    """Yield objectives in our syntax that this text may mean, the likeliest first; they may be invalid."""
    sides = _SIDES.fullmatch(_without_threshold_key(text.strip()))
    if sides is None:
        return
    left, op, right = sides["left"].strip(), _OPS.get(sides["op"], sides["op"]), sides["right"].strip()
    if re.match(r"[$\d]", left) and not re.match(r"[$\d]", right):
        left, op, right = right, _MIRRORED[op], left
    tags = _TAGS.search(left)
    yield from _rewritten(_TAGS.sub(" ", left).lower(), _respelled_tags(tags[0]) if tags else "", op, right)


def _without_threshold_key(text: str) -> str:
    """Join k6's `http_req_duration: p(95)<500` into one expression."""
    return re.sub(r"^([\w.]+)\s*(\{[^{}]*\})?\s*:\s*(?=[a-z<>=!])", r"\1\2.", text, flags=re.IGNORECASE)


def _respelled_tags(tags: str) -> str:
    """Rewrite k6's `{scenario:a}` and `expected_response:true` (our `outcome=ok`), and values quoted as in PromQL."""
    equal = re.sub(
        r"""(\w+)\s*(?::|(!?=)~?)\s*["']?([^\s"',{}]+)["']?""", lambda tag: f"{tag[1]}{tag[2] or '='}{tag[3]}", tags
    )
    return equal.replace("expected_response=true", "outcome=ok").replace("expected_response=false", "outcome!=ok")


def _rewritten(subject: str, tags: str, op: str, value: str) -> Iterator[str]:
    percentile = _PERCENTILE.search(subject)
    words = [word for word in _WORD.findall(_PERCENTILE.sub(" ", subject)) if word not in ("of", "the")]
    if "_".join(words) in _SUCCESS and op != "!=":
        yield from _as_errors(tags, op, value)
        return
    for meant, aggregate in _readings(words):
        wanted = f"p{percentile['number'] or percentile['ordinal']}" if percentile else aggregate or meant.aggregate
        for each in _aggregates(meant.metric, wanted, value):
            if (unit := _unit(meant.metric, each)) is not None:
                yield f"{meant.metric}{tags}.{each} {op} {respelled(value, unit)}"


def _readings(words: list[str]) -> Iterator[tuple[_Meant, str | None]]:
    """Yield the metric and the aggregate that the words name: `max of ttft`, `error_rate`, `ttft_avg`."""
    if (whole := _metric("_".join(words))) is not None:
        yield whole, None
    if not words:
        yield _Meant(_USUAL_METRIC), None
    for position, word in enumerate(words):
        if word in _AGGREGATES:
            rest = "_".join(words[:position] + words[position + 1 :])
            if (meant := _metric(rest) or _nearest(rest)) is not None:
                yield meant, _AGGREGATES[word]
    if (near := _nearest("_".join(words))) is not None:
        yield near, None


def _metric(name: str) -> _Meant | None:
    for metric in METRICS.values():
        if (rest := name.removeprefix(f"{metric.name}_")) != name and rest in metric.aggregates:
            return _Meant(metric.name, rest)
    for known in (name, name.removesuffix("_ms"), name.removesuffix("_seconds"), name.removesuffix("_s")):
        if known in METRICS:
            return _Meant(known)
        if known in _METRICS:
            return _METRICS[known]
    return None


def _nearest(name: str) -> _Meant | None:
    near = get_close_matches(name, METRICS, n=1, cutoff=0.75)
    return _Meant(near[0]) if near else None


def _aggregates(metric: str, wanted: str | None, value: str) -> Iterator[str]:
    if wanted is not None:
        yield wanted
        if wanted == "rate":
            yield "per_second"
    elif METRICS[metric].distribution:
        yield _USUAL_PERCENTILE
    else:
        counted = re.fullmatch(r"\d+", value) is not None and value != "1"
        yield "count" if counted and "count" in METRICS[metric].aggregates else _PLAIN.get(metric, "")
        yield from METRICS[metric].aggregates


def _unit(metric: str, aggregate: str) -> Unit | None:
    return METRICS[metric].aggregates.get("pN" if re.fullmatch(r"p\d.*", aggregate) else aggregate)


def _as_errors(tags: str, op: str, value: str) -> Iterator[str]:
    """Rewrite `success_rate > 99%` as `errors.rate < 1%`."""
    share = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", respelled(value, Unit.SHARE))
    if share:
        yield f"errors{tags}.rate {_MIRRORED[op]} {round(100 - float(share[1]), 6):g}%"


_AMOUNT = re.compile(r"(?P<before>[^\d\s.,-]*)\s*(?P<number>\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)\s*(?P<after>\D*)")
_DURATIONS = MappingProxyType(
    dict.fromkeys(("ms", "msec", "msecs", "millis", "millisecond", "milliseconds"), "ms")
    | dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s")
    | dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "min")
    | dict.fromkeys(("h", "hr", "hour", "hours"), "h")
    | dict.fromkeys(("us", "µs", "μs", "usec", "microsecond", "microseconds"), "us")
)
_THINGS = r"(?:r|rq|req|reqs|requests?|q|queries|t|tok|toks|tokens?|ops?|calls?)?"
_RATES = (
    (re.compile(rf"{_THINGS}\s*(?:/|per|p)?\s*(?:s|sec|second)"), "s"),
    (re.compile(rf"{_THINGS}\s*(?:/|per|p)\s*(?:m|min|minute)"), "min"),
    (re.compile(rf"{_THINGS}\s*(?:/|per|p)\s*(?:h|hr|hour)"), "h"),
)
_MOST_SECONDS = 10
"""A plain number below this is more likely seconds, any other milliseconds, as in k6."""


def respelled(value: str, unit: Unit) -> str:
    """Return the value with its most likely unit; unchanged where that is unknown."""
    amount = _AMOUNT.fullmatch(value.strip())
    if amount is None:
        return value
    number, suffix = amount["number"].replace(",", ""), amount["after"].strip().lower()
    number = f"0{number}" if number.startswith(".") else number
    return _READ[unit](number, suffix, amount["before"]) or value


def _duration(number: str, suffix: str, _: str) -> str | None:
    if not suffix:
        return f"{number}{'s' if float(number) < _MOST_SECONDS else 'ms'}"
    return f"{number}{_DURATIONS[suffix]}" if suffix in _DURATIONS else None


def _rate(number: str, suffix: str, _: str) -> str | None:
    if not suffix:
        return f"{number}/s"
    return next((f"{number}/{per}" for pattern, per in _RATES if pattern.fullmatch(suffix)), None)


def _share(number: str, suffix: str, _: str) -> str | None:
    if suffix in ("%", "percent", "pct"):
        return f"{number}%"
    if suffix:
        return None
    return f"{float(number) * 100:g}%" if float(number) < 1 else f"{number}%"


def _dollars(number: str, suffix: str, before: str) -> str | None:
    return f"${number}" if {suffix, before.lower()} <= {"", "$", "usd", "dollar", "dollars", "us$"} else None


def _count(number: str, suffix: str, _: str) -> str | None:
    return number if not suffix else None


_READ = MappingProxyType(
    {
        Unit.SECONDS: _duration,
        Unit.PER_SECOND: _rate,
        Unit.SHARE: _share,
        Unit.USD: _dollars,
        Unit.COUNT: _count,
        Unit.FACTOR: _count,
    }
)
