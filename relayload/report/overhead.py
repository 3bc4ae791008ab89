"""Renders what relays add as text and as Markdown, and the rows that the page shows as well."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.console import RenderableType
from rich.text import Text

from relayload.core.objectives.formatting import share
from relayload.core.overhead.findings import (
    AddedPercentile,
    Chunks,
    Finding,
    Held,
    Overhead,
    Phase,
    RelayAdds,
    Way,
)
from relayload.core.units import format_bytes, format_duration, format_usd
from relayload.report.fitting_table import Column, FittingTable
from relayload.report.markdown import escape, table
from relayload.report.printing import DASH, printed
from relayload.report.screen import PLAIN, Screen

LABELS = {
    "latency": "latency",
    "ttft": "TTFT",
    "chunk_gap": "chunk gap",
    "longest_gap": "longest gap",
    "received_bytes": "bytes",
}
HEADINGS = ("", "", "direct", "relay", "added", "95% interval", "floor", "finding")
WAY_HEADINGS = (
    "",
    "requests",
    "ok",
    "errors",
    "streams sustained",
    "at once",
    "stated overhead",
    "CPU/request",
    "CPU",
    "memory",
)
_MOST_DOUBTS = 3
_MIDDLE = 50.0
_LEAST_WORDS = 14


def render_overhead(overhead: Overhead, screen: Screen = PLAIN) -> str:
    """Render the floor, a table for each relay and load, and what each target did."""
    return printed(list(_parts(overhead)), screen)


def render_overhead_markdown(overhead: Overhead) -> str:
    """Render the same as a page that can be published."""
    return "".join(f"{line}\n" for block in _blocks(overhead) if block for line in (*block, ""))


def title(overhead: Overhead) -> str:
    return f"What {_listed(overhead.relays)} add{'s' if len(overhead.relays) == 1 else ''} to {overhead.direct}"


def facts(overhead: Overhead) -> Iterator[tuple[str, str]]:
    """Yield what was measured, where and when, by name."""
    yield from ((name, url) for name, url in overhead.targets.items())
    yield "models", ", ".join(overhead.models)
    yield "date", overhead.started_at
    yield "requests", f"{overhead.requests:,}"
    if overhead.usd is not None:
        yield "cost", format_usd(Decimal(str(overhead.usd)))
    yield "versions", ", ".join(f"{name} {version}" for name, version in overhead.versions.items())
    yield "platform", overhead.platform


def lead(overhead: Overhead) -> list[str]:
    """Return what a reader has to know first: doubts, the floor and the rate that was held."""
    lines = [f"INVALID, {doubt}" for doubt in overhead.doubts[:_MOST_DOUBTS]]
    if len(overhead.doubts) > _MOST_DOUBTS:
        lines.append(f"INVALID for {len(overhead.doubts) - _MOST_DOUBTS} more reasons, see the JSON")
    if overhead.ended_by:
        lines.append(f"PARTIAL: it ended before everything was measured: {overhead.ended_by}")
    lines += [floor_line(phase) for phase in overhead.phases if phase.floor]
    if overhead.held is not None:
        lines.append(held_line(overhead.held))
    if overhead.load_left_out:
        lines.append(f"nothing was measured under load: {overhead.load_left_out}")
    return lines


def floor_line(phase: Phase) -> str:
    """Return what the direct way differs from itself by."""
    told = [
        f"{LABELS[measure.name]} {which(at)} {amount(at.floor, measure.unit)}"
        for measure in phase.floor
        if measure.name in ("latency", "ttft", "chunk_gap")
        for at in measure.percentiles
        if at.floor is not None and (at.per_pair or at.p > _MIDDLE)
    ]
    if not told:
        return f"{phase.name}: the floor is not known, as too few pairs tell it"
    return f"{phase.name}: the direct way against itself may differ by {', '.join(told)}; less is not measurable"


def held_line(held: Held) -> str:
    if held.given:
        return f"load: parts of {held.rate_per_s:g}/s to each target, as asked for"
    broken = f"; {held.broken_per_s:g}/s did not hold: {held.reason}" if held.broken_per_s else f"; {held.reason}"
    return f"load: each target held {held.rate_per_s:g}/s{broken}"


def phase_title(overhead: Overhead, phase: Phase, adds: RelayAdds) -> str:
    rate = "" if phase.rate_per_s is None else f", {phase.rate_per_s:.3g}/s to each"
    invalid = " · INVALID" if phase.doubts else ""
    return f"{adds.relay} against {overhead.direct}, {phase.name}{rate}: {adds.pairs:,} pairs ok at both{invalid}"


def rows(adds: RelayAdds) -> Iterator[list[str]]:
    """Yield rows of quantity, percentile, direct, relay, added, its interval, the floor and the finding."""
    for measure in adds.measures:
        name = LABELS[measure.name]
        for at in measure.percentiles:
            yield [name, which(at), *_cells(at, measure.unit)]
            name = ""


def which(at: AddedPercentile) -> str:
    return "per pair" if at.per_pair else f"p{at.p:g}"


def way_rows(phase: Phase) -> Iterator[list[str]]:
    """Yield a row for each target: what it did by itself."""
    for way in phase.ways:
        yield [
            way.target,
            f"{way.requests:,}",
            f"{way.ok:,}",
            _errors(way),
            *_streams(way),
            _stated(way),
            *_resources(way),
        ]


def remarks(phase: Phase, adds: RelayAdds) -> list[str]:
    """Return what became of chunks, and how many pairs are lacking."""
    lines = chunk_lines(adds.relay, adds.chunks, phase.floor_chunks) if adds.chunks else ()
    return [*lines, *_lacking(phase, adds)]


def chunk_lines(relay: str, chunks: Chunks, itself: Chunks | None) -> Iterator[str]:
    together = f"{chunks.together_relay:,} of {chunks.relay:,} chunks came in one piece with the one before (directly "
    together += f"{chunks.together_direct:,} of {chunks.direct:,})"
    interval = f"95% interval {share(chunks.coalesced_low)} to {share(chunks.coalesced_high)}"
    if itself is not None:
        interval += f"; directly against itself {itself.coalesced_streams:,} of {itself.pairs:,}"
    yield f"{relay} coalesced {chunks.coalesced_streams:,} of {chunks.pairs:,} streams ({interval}): {together}"
    if chunks.lost_streams is None or chunks.lost_low is None or chunks.lost_high is None:
        count = f"{chunks.missing:,} chunks are missing, merged into others or lost"
        missing = count if chunks.missing else "no chunk is missing"
        yield f"{missing}; lost text is not known, as the direct way answers the same prompt with different texts"
    else:
        interval = f"95% interval {share(chunks.lost_low)} to {share(chunks.lost_high)}"
        streams = f"{chunks.lost_streams:,} of {chunks.pairs:,} streams ({interval})"
        yield f"lost text: {chunks.lost_bytes:,} bytes in {streams}; merged into others: {chunks.merged:,} chunks"


def _lacking(phase: Phase, adds: RelayAdds) -> Iterator[str]:
    """Yield how many pairs the intervals of latency take, for the relay and for the floor."""
    for what, measures in (("an interval", adds.measures), ("the floor", phase.floor)):
        latency = next((measure.percentiles for measure in measures if measure.name == "latency"), ())
        needed = [f"{which(at)} needs about {at.pairs_needed:,}" for at in latency if at.pairs_needed is not None]
        if needed:
            yield f"too few pairs for {what} of latency: {', '.join(needed)}"


def amount(value: float | None, unit: str) -> str:
    if value is None:
        return DASH
    return format_bytes(round(value)) if unit == "B" else (format_duration(value) if value else "0s")


def signed(value: float | None, unit: str) -> str:
    if value is None:
        return DASH
    sign = "-" if value < 0 else "+" if value else ""
    return f"{sign}{amount(abs(value), unit)}"


def finding_text(at: AddedPercentile) -> str:
    """Return what can be said of a difference; without any, and a floor of 0, there is none."""
    return "none" if at.finding is Finding.NOT_MEASURABLE and not at.floor else at.finding.value


def _cells(at: AddedPercentile, unit: str) -> list[str]:
    interval = DASH if at.low is None else f"{signed(at.low, unit)} to {signed(at.high, unit)}"
    ends = (amount(at.direct, unit), amount(at.relay, unit), signed(at.added, unit), interval, amount(at.floor, unit))
    return [*ends, finding_text(at)]


def _errors(way: Way) -> str:
    told = [f"{count} {kind}" for kind, count in way.errors.items()]
    return ", ".join([*told, *([f"{way.dropped} not sent"] if way.dropped else [])]) or "0"


def _streams(way: Way) -> tuple[str, str]:
    if way.streams is None:
        return DASH, DASH
    streams = way.streams
    interval = f"{share(streams.low)}–{share(streams.high)}"
    return f"{streams.sustained:,} of {streams.offered:,} ({interval})", f"{streams.at_once:,}"


def _stated(way: Way) -> str:
    return DASH if way.stated is None else f"p50 {format_duration(way.stated.p50_s)}"


def _resources(way: Way) -> tuple[str, str, str]:
    used = way.resources
    if used is None:
        return DASH, DASH, DASH
    each = DASH if used.cpu_s_per_request is None else format_duration(used.cpu_s_per_request)
    memory = f"{_megabytes(used.rss_before_bytes)}–{_megabytes(used.rss_most_bytes)}MB"
    return each, share(used.cpu_share), memory


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def shown_ways(phase: Phase) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows without the columns that nobody has."""
    found = list(way_rows(phase))
    kept = [place for place in range(len(WAY_HEADINGS)) if place < 4 or any(row[place] != DASH for row in found)]
    return [WAY_HEADINGS[place] for place in kept], [[row[place] for place in kept] for row in found]


def _parts(overhead: Overhead) -> Iterator[RenderableType]:
    yield Text(title(overhead), style="bold")
    yield from map(Text, lead(overhead))
    for phase in overhead.phases:
        for adds in phase.relays:
            yield Text(f"\n{phase_title(overhead, phase, adds)}", style="bold")
            if adds.measures:
                yield _table(HEADINGS, list(rows(adds)), ("direct", "relay", "floor"))
            yield from map(Text, remarks(phase, adds))
        if phase.ways:
            yield Text("")
            yield _table(*shown_ways(phase), ("CPU", "at once"))


def _table(headings: Sequence[str], cells: Sequence[Sequence[str]], optional: Sequence[str]) -> FittingTable:
    words = ("", "finding", "errors")
    columns = [Column(heading, words=heading in words, least=_LEAST_WORDS) for heading in headings]
    return FittingTable(columns, cells, optional=[each for each in optional if each in headings])


def _blocks(overhead: Overhead) -> Iterator[list[str]]:
    yield [f"## {escape(title(overhead))}"]
    yield [f"- {escape(line)}" for line in lead(overhead)]
    for phase in overhead.phases:
        for adds in phase.relays:
            yield [f"### {escape(phase_title(overhead, phase, adds))}"]
            cells = [list(map(escape, row)) for row in rows(adds)]
            yield table(HEADINGS, cells, text_columns=(0, 1, len(HEADINGS) - 1)) if cells else []
            yield [f"- {escape(line)}" for line in remarks(phase, adds)]
        if phase.ways:
            headings, cells = shown_ways(phase)
            yield table(headings, [list(map(escape, row)) for row in cells], text_columns=(0, 3))
    yield ["### How this was measured"]
    yield [f"- {escape(line)}" for line in METHOD]
    yield [f"- {escape(f'{name}: {text}')}" for name, text in facts(overhead) if text]


METHOD = (
    "Every request goes to each target, word for word, in an order that is drawn for each: one at a time, or at the "
    "same instant under load. The first pairs are a warm-up and left out.",
    "Added per pair is the median of the differences within pairs; at a percentile it is the difference between those "
    "of both. All are over the pairs that ended ok at both; intervals account for neighbours that are slow together.",
    "The chunk gap is the mean of a stream, and the longest gap its longest.",
    "The floor is the farther end of the interval of the direct way against itself, with as many pairs under the same "
    "load. A difference below it is not measurable; one above it is measured if its interval leaves out 0.",
    "A stream is sustained if it ends ok, loses no text and never pauses for more than ten times the usual gap of the "
    "direct way, and 50 ms at least.",
)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
