"""The single catalog of metrics, which every list of metrics reads.

Recordings are folded by `reading`; summaries, reports and exports show every metric except where `left_out` excludes
it; objectives may use `aggregates` on `tags`, and the rest decides how they are judged, watched and forecast.

A new metric is one entry. The tests then name what must be regenerated: its row in `docs/objectives.md`, and the
schemas in `docs`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from relayload.core.metrics.metric import Asked, Metric, Output, Per, Unit
from relayload.core.metrics.reading import (
    Computed,
    Derived,
    Errors,
    OfAnswer,
    OfRequest,
    Reading,
    column_of,
    output_rate,
    output_rate_error,
    tpot,
    tpot_error,
    without_gaps,
    without_pace,
    without_visible,
)

_REQUEST_TAGS = ("scenario", "model", "stage", "target", "key")
_SPREAD = ("pN", "avg", "min", "max")
_COUNTED = {"rate": Unit.SHARE, "count": Unit.COUNT}
_PER_SECOND = {"per_second": Unit.PER_SECOND}
_BREAKER = {
    "trips": Unit.COUNT,
    "open_time": Unit.SECONDS,
    "opened_after": Unit.SECONDS,
    "recovered_after": Unit.SECONDS,
}
_USAGE = {"input_factor": Unit.FACTOR, "hidden_tokens": Unit.COUNT, "output_factor": Unit.FACTOR}

_WAITS = (Output.COMPARISON, Output.TIMELINE, Output.SIDE_BY_SIDE)
"""Outputs that show only the waits of a caller."""
_FEW = (Output.TABLES, Output.MARKDOWN, Output.OTAVA, *_WAITS)
"""Outputs with room for few metrics."""
_UNLESS_ASKED = {Output.SNAPSHOT: "it is there where an objective asks for it"}


def _distribution(
    name: str, help_text: str, reading: Reading | None = None, unit: Unit = Unit.SECONDS, **more: Any
) -> Metric:
    defaults = {"label": name, "provable": _SPREAD}
    return Metric(
        name,
        help_text,
        dict.fromkeys(_SPREAD, unit),
        (*_REQUEST_TAGS, "outcome"),
        reading=reading,
        distribution=True,
        **(defaults | more),
    )


def _number(name: str, help_text: str, aggregates: Mapping[str, Unit], tags: tuple[str, ...], **more: Any) -> Metric:
    return Metric(name, help_text, aggregates, tags, label=name, **more)


def _audited(name: str, help_text: str, aggregates: Mapping[str, Unit], **more: Any) -> Metric:
    """Return a metric of audited answers: known when the run is over, for all of it."""
    whole = tuple(aggregates)
    return _number(
        name,
        help_text,
        aggregates,
        ("target", "model"),
        per=Per.RUN,
        of_audit=True,
        windowless=whole,
        untimed=whole,
        **more,
    )


_ENTRIES = (
    _distribution(
        "latency",
        "from the intended start to the last byte, every wait and retry inside",
        OfRequest("latency_s"),
    ),
    _distribution(
        "service",
        "from the send of the answering attempt to the last byte",
        OfAnswer("service_s"),
        left_out=dict.fromkeys(_FEW, "latency is what the caller waits for, and contains it") | _UNLESS_ASKED,
    ),
    _distribution(
        "ttft",
        "from that send to the first token",
        OfAnswer("ttft_s"),
        errors=Errors(too_large=column_of("ttft_error")),
        label="TTFT",
        asked=Asked.STREAM,
        of_first_token=True,
    ),
    _distribution(
        "ttfo",
        "from that send to the first visible content",
        OfAnswer("ttfo_s"),
        errors=Errors(too_large=column_of("ttfo_error")),
        label="TTFO",
        asked=Asked.STREAM,
        exempt=without_visible,
        of_first_token=True,
        left_out=dict.fromkeys(_FEW, "TTFT is the same wherever a model does not reason") | _UNLESS_ASKED,
    ),
    _distribution(
        "tpot",
        "the mean time between the output tokens of a stream",
        Computed(tpot),
        errors=Errors(too_large=tpot_error("last_token_error"), too_small=tpot_error("ttft_error")),
        label="TPOT",
        asked=Asked.STREAM,
        exempt=without_pace,
        left_out=dict.fromkeys(_WAITS, "latency and TTFT are the waits of a caller, and tell of every change"),
    ),
    _distribution(
        "chunk_gap",
        "between the chunks of a stream",
        label="chunk gap",
        per=Per.CHUNK,
        asked=Asked.STREAM,
        exempt=without_gaps,
        provable=("pN", "min", "max"),
        left_out=dict.fromkeys(_FEW, "TPOT says the same of each stream in one number") | _UNLESS_ASKED,
    ),
    _distribution(
        "late",
        "from the intended start to the actual one: the generator's own",
        OfRequest("late_s"),
        known_of_failed=True,
        left_out=dict.fromkeys(_FEW, "it is the generator's own, and shown with its health"),
    ),
    _distribution(
        "throttled",
        "waiting for the client's own quota; 0 for whoever did not wait",
        OfRequest("throttled_s"),
        known_of_failed=True,
        left_out=dict.fromkeys(
            (*_FEW, Output.OPENMETRICS), "it is the client's own, and shown with its quota where there is one"
        )
        | {Output.SNAPSHOT: "it is there where a request waited, or an objective asks for it"},
    ),
    _distribution(
        "output_rate",
        "output tokens per second from that send to the last token: more is better, so ask for a low percentile",
        Derived(output_rate),
        Unit.PER_SECOND,
        errors=Errors(too_small=output_rate_error),
        label="output rate",
        more_is_better=True,
        left_out=dict.fromkeys(Output, "the distributions of a summary are times; TPOT is there"),
    ),
    _number(
        "errors",
        "requests that failed: neither ok nor cancelled on purpose; the rate is of those that were not cancelled",
        _COUNTED,
        (*_REQUEST_TAGS, "kind"),
        share_of_all=True,
        provable=tuple(_COUNTED),
        untimed=tuple(_COUNTED),
    ),
    _number(
        "retries",
        "attempts after the first; the rate is per request, cancelled or not, `kind` is why the attempt before failed",
        _COUNTED,
        (*_REQUEST_TAGS, "kind"),
        provable=tuple(_COUNTED),
        untimed=tuple(_COUNTED),
    ),
    _number(
        "requests", "requests that were started", {"count": Unit.COUNT}, (*_REQUEST_TAGS, "outcome"), untimed=("count",)
    ),
    _number(
        "throughput",
        "requests that ended ok in the measured span, whichever stage they were sent in",
        _PER_SECOND,
        _REQUEST_TAGS,
        more_is_better=True,
    ),
    _number(
        "output_tokens",
        "all tokens of those, counted when the request ended",
        _PER_SECOND,
        _REQUEST_TAGS,
        more_is_better=True,
    ),
    _number(
        "goodput",
        "requests that ended ok and met every condition; the rate is of those that were offered and not cancelled, "
        "`per_second` as in throughput",
        {"rate": Unit.SHARE, **_PER_SECOND},
        _REQUEST_TAGS,
        more_is_better=True,
        share_of_all=True,
        conditional=Per.REQUEST,
        provable=("rate",),
    ),
    _number(
        "tool_calls.valid",
        "of the tool calls in ok answers, those whose arguments are a JSON object",
        {"rate": Unit.SHARE},
        _REQUEST_TAGS,
        asked=Asked.TOOLS,
        more_is_better=True,
        share_of_all=True,
        provable=("rate",),
        untimed=("rate",),
    ),
    _number(
        "structured_output.valid",
        "of the ok answers that were to fit a JSON schema, those that do",
        {"rate": Unit.SHARE},
        _REQUEST_TAGS,
        asked=Asked.SCHEMA,
        more_is_better=True,
        share_of_all=True,
        provable=("rate",),
        untimed=("rate",),
    ),
    _number(
        "stream.broken",
        "streams that began and failed; the rate is of those that began",
        _COUNTED,
        _REQUEST_TAGS,
        asked=Asked.STREAM,
        share_of_all=True,
        provable=tuple(_COUNTED),
        untimed=tuple(_COUNTED),
    ),
    _number(
        "stream.coalesced",
        "of the ok streams of more than 10 chunks, those whose chunks came in lumps, see below",
        {"rate": Unit.SHARE},
        _REQUEST_TAGS,
        asked=Asked.STREAM,
        share_of_all=True,
        provable=("rate",),
    ),
    _number(
        "stall",
        "gaps between the chunks of a stream beyond a bound, and the silence in which a failed one ended",
        {"count": Unit.COUNT},
        _REQUEST_TAGS,
        asked=Asked.STREAM,
        conditional=Per.CHUNK,
        provable=("count",),
    ),
    _number(
        "breaker",
        "what circuit breakers did",
        _BREAKER,
        ("scope", "target"),
        per=Per.RUN,
        windowless=("opened_after", "recovered_after"),
        provable=("trips", "open_time"),
        untimed=("trips",),
    ),
    _number(
        "batch",
        "of a batch, from its first start to its last end",
        {"makespan": Unit.SECONDS},
        (),
        windowless=("makespan",),
    ),
    _number(
        "cost",
        "of the whole run, warm-up included",
        {"usd": Unit.USD},
        _REQUEST_TAGS,
        per=Per.RUN,
        windowless=("usd",),
        provable=("usd",),
        untimed=("usd",),
    ),
    _audited(
        "usage",
        "tokens reported beside those counted: `input_factor` and `output_factor` are the slopes of the lines through "
        "both, `hidden_tokens` is the offset of that of the input; the worst target and model counts",
        _USAGE,
    ),
    _audited(
        "model",
        "`differs` is the number of targets and models that do not answer as the reference does",
        {"differs": Unit.COUNT},
    ),
    _audited(
        "answers.checked",
        "of the audit's questions that have a right answer, those answered right; the worst target and model counts",
        {"rate": Unit.SHARE},
        more_is_better=True,
        share_of_all=True,
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ENTRIES})
"""Every metric that an objective may name, in the order in which lists show them."""

TAG_NAMES = frozenset(tag for metric in METRICS.values() for tag in metric.tags)
"""The names of all tags that a metric has; scenarios may have others."""


def _those(wanted: Callable[[Metric], bool]) -> Mapping[str, Metric]:
    return MappingProxyType({name: metric for name, metric in METRICS.items() if wanted(metric)})


PER_REQUEST = _those(lambda metric: metric.distribution and metric.per is Per.REQUEST)
"""The metrics with one value per request, which can be conditions of a good request."""

PER_CHUNK = _those(lambda metric: metric.per is Per.CHUNK)
"""The metrics with many values per request, which are kept as histograms."""


def shown_in(output: Output) -> tuple[Metric, ...]:
    """Return the distributions shown in that output, in the order of the catalog."""
    return tuple(metric for metric in METRICS.values() if metric.shown_in(output))
