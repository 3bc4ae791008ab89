"""Recordings that no run has written: whatever stands in them, verbs read them or name what is wrong, in one line."""

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from relayload.core.comparison.compare import compare
from relayload.core.comparison.measures import measures
from relayload.core.errors import AuthorError
from relayload.core.model.objective_options import ObjectiveOptions, ObjectiveSpec
from relayload.core.model.record import Attempt, BreakerState, Outcome
from relayload.core.model.run import StageInfo, TargetInfo
from relayload.core.objectives.verdict import held
from relayload.core.price import Price
from relayload.recording import Recording
from relayload.recording.merge import merge
from relayload.recording.run_page import page_of
from relayload.recording.sets import results, unfit
from relayload.report.comparison import render_comparison, render_comparison_markdown
from relayload.report.github import render_annotations
from relayload.report.junit import render_junit
from relayload.report.markdown import render_markdown
from relayload.report.openmetrics import render_openmetrics
from relayload.report.otava import row
from relayload.report.text import render_remarks, render_summary, render_verdict
from relayload.verbs.cost import _measured

EVIL = "\x1b[2J\r\n::error::pwn\u202e\x9b ::error::pwn ::error::pwn ::error::pwn ::error::pwn ::error::pwn"
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 0.5, -0.3, 1e300, -1e300, 1e9, -1e9, 2**31, 2**53, 2**63, 2**64, 10**400, float("nan"),
    float("inf"), "", "x", EVIL, "9" * 400, "x" * 5000, "2026-01-01", "1E+999999", [], {}, [[]], {"a": 1}, [1],
    [1, 5, 3], [-1, -1], [10**12, 10**12], [3, 1, 2, 1], ["errors.rate < 1%"] * 50,
)  # fmt: skip
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]|^[ ]*::", re.MULTILINE)
OBJECTIVES = (
    "ttft.p99 < 2s", "latency.p95 < 10s", "latency.avg < 10s", "late.max < 1s", "chunk_gap.p99 < 1s", "tpot.p50 < 1s",
    "goodput{ttft<2s, tpot<1s}.rate > 90%", "goodput{latency<2s}.per_second > 1/s", "errors.rate < 5%",
    "retries.rate < 5%", "requests.count > 1", "throughput.per_second > 1", "output_tokens.per_second > 1",
    "cost.usd < $2", "breaker.trips == 0", "breaker.open_time < 1s", "breaker.recovered_after < 1s",
    ObjectiveSpec(expr="latency.p95 < 10s", options=ObjectiveOptions(over_s=20.0, for_windows=2)),
    ObjectiveSpec(expr="chunk_gap.p95 < 10s", options=ObjectiveOptions(over_s=20.0)),
)  # fmt: skip


@pytest.fixture
def good(make_run, request_line, drop_line, end_line, breaker_line, tmp_path) -> Path:
    gaps = {"chunk_gaps": (700, 5, 703, 6), "chunks": 12, "status": 200, "request_id": "r"}
    failed = {
        "outcome": Outcome.SERVER_ERROR,
        "error": "http_500",
        "status": 500,
        "relay_message": "no",
        "ttft_s": None,
    }
    lines = [
        *(request_line(index, target="ab"[index % 2], **gaps) for index in range(60)),
        *(request_line(index, target="ab"[index % 2], **failed) for index in range(60, 64)),
        request_line(64, target="a", retried=(Attempt(outcome=Outcome.TIMED_OUT, error="total_timeout"),), **gaps),
        drop_line(65, target="b"),
        breaker_line(10.0, BreakerState.CLOSED, BreakerState.OPEN, calls=5, failures=5, since_s=9.0, target="a"),
        breaker_line(20.0, BreakerState.OPEN, BreakerState.HALF_OPEN, target="a"),
        breaker_line(20.5, BreakerState.HALF_OPEN, BreakerState.CLOSED, target="a"),
        end_line(0, started=65, dropped=1, timestamps="kernel", loop_lag_p99_s=0.001, cpu_share=0.3),
    ]
    price = {"o3": Price(input=Decimal("1.5"), output=Decimal(4))}
    run = make_run(
        objectives=OBJECTIVES,
        streaming=("simple",),
        offered=66,
        targets={name: TargetInfo(base_url="http://127.0.0.1:1/v1", prices=price) for name in "ab"},
        stages=(StageInfo(name="warm", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=90.0)),
        prices=price,
        versions={"relayload": "1"},
    )
    recording = Recording.create(tmp_path / "good", run)
    writer = recording.writer(0)
    for line in lines:
        writer.write(line)
    writer.close()
    summary, verdict = recording.fold().results()
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    return recording.directory


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value, with each of its keys."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)


def changed(value: Any, rng: random.Random) -> str:
    """JSON of which some values are odd, absent or doubled, or which is cut short or nested deeply."""
    value = json.loads(value)
    for _ in range(rng.choice((1, 1, 2, 5))):
        container, key = rng.choice(list(places(value)))
        match rng.randrange(12):
            case 0:
                del container[key]
            case 1:
                container[key] = [container[key]] * rng.choice((2, 60))
            case 2 if isinstance(container, dict):
                container[rng.choice((EVIL, "line", "x" * 300))] = container.pop(key)
            case _:
                container[key] = deepcopy(rng.choice(ODD))
        if not value:
            break
    text = json.dumps(value)
    match rng.randrange(25):
        case 0:
            return text[: rng.randrange(len(text))]
        case 1:
            return text.replace("null", "[" * 100_000 + "]" * 100_000, 1)
        case 2:
            return text.replace("0", "9" * 5000, 1)
        case 3:
            return text.replace("e", "\udc80\x00\x1b", 1)
        case _:
            return text


def spoilt(good: Path, bad: Path, rng: random.Random) -> None:
    """Copy a recording and change some of its files."""
    bad.mkdir()
    which = rng.choice(("run.json", "records-0.jsonl", "records-0.jsonl", "summary.json", "verdict.json"))
    for path in good.iterdir():
        data = path.read_bytes()
        if path.name == which and path.suffix == ".jsonl":
            lines = data.decode().splitlines()
            for at in rng.sample(range(len(lines)), rng.choice((1, 1, 3, 40))):
                lines[at] = changed(lines[at], rng)
            data = "\n".join(lines).encode("utf-8", "surrogateescape")
        elif path.name == which:
            data = changed(data, rng).encode("utf-8", "surrogateescape")
        if path.suffix == ".jsonl" and rng.random() < 0.2:
            (bad / f"{path.name}.gz").write_bytes(gzip.compress(data)[: rng.choice((10**6, 200))])
        else:
            (bad / path.name).write_bytes(data)


def judged(directory: Path, _: Path) -> Iterator[str]:
    """As `gate` and `report --rebuild`."""
    recording = Recording.open(directory)
    summary, verdict = recording.fold().results()
    verdict = held(verdict)
    yield render_summary(summary)
    yield render_verdict(verdict)
    yield render_remarks(summary, verdict)
    yield render_markdown(summary, verdict)
    yield render_openmetrics(summary, verdict)
    yield render_junit(summary, verdict)
    yield re.sub("^::(error|warning|notice) ", "", render_annotations(summary, verdict), flags=re.MULTILINE)
    recording.write_summary(summary)
    recording.write_verdict(verdict)
    yield render_summary(Recording.open(directory).summary())


def told(directory: Path, good: Path) -> Iterator[str]:
    """As `report`, `compare`, `export otava`."""
    recording = Recording.open(directory)
    yield render_summary(recording.summary())
    summary, verdict = results(recording)
    yield render_verdict(verdict)
    yield unfit(recording, verdict) or ""
    yield ",".join(row(summary, verdict))
    base = measures(*results(Recording.open(good)))
    for pair in ([base], [measures(summary, verdict)]), ([measures(summary, verdict)], [base]):
        comparison = compare(*pair, 0.1, [], [])
        yield render_comparison(comparison)
        yield render_comparison_markdown(comparison)


def merged(directory: Path, good: Path) -> Iterator[str]:
    yield render_summary(merge([directory], directory / "alone").rebuild())
    yield render_summary(merge([good, directory], directory / "both").rebuild())


def paid(directory: Path, _: Path) -> Iterator[str]:
    yield str(_measured(directory, "1M-requests/month", None, ()))


def drawn(directory: Path, _: Path) -> Iterator[str]:
    """As `report --html`."""
    recording = Recording.open(directory)
    page = page_of(recording, *results(recording))
    assert len(page) < 2_000_000
    yield page


def heard(verb: Callable[[Path, Path], Iterator[str]], bad: Path, good: Path) -> Iterator[str]:
    """What a verb tells, the author's faults among it; anything else that it raises is ours."""
    try:
        yield from verb(bad, good)
    except AuthorError as error:
        yield str(error)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
@pytest.mark.parametrize("verb", [judged, told, merged, paid, drawn])
def test_odd_recordings_are_read_or_refused(verb, seed: int, good: Path, tmp_path: Path):
    for number in range(25):
        rng = random.Random(f"{seed} {number} {verb.__name__}")
        bad = tmp_path / f"bad{number}"
        spoilt(good, bad, rng)
        for text in heard(verb, bad, good):
            assert not ACTING.search(text), ascii(text)
