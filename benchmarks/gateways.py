"""What real gateways add, measured by `relayload overhead` one after the other, and the page of docs made of it.

    python benchmarks/gateways.py [--only ferrogw,nginx] [--json docs/gateways] [-- OPTION...]
    python benchmarks/gateways.py --page            # the page alone, from the JSON that is there

Each gateway stands in front of one fake relay with constant times, on loopback, as `gateway_processes.py` starts it.
Answers are streamed, and then the same in one piece. Options after `--` go to `relayload overhead`, such as
`--pairs 200`. The results go to `NAME-stream.json` and `NAME-plain.json`; `docs/gateways.md` is made of all that are
there, so that its numbers come from nowhere else. `.ci/gateways` installs what is measured.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec
import yaml
from gateway_processes import FERROGW, INSTALLED, LITELLM, NGINX, PORTKEY, SMG, Gateway, side_by_side

from relayload.core.overhead.findings import AddedPercentile, Finding, Overhead, Phase, RelayAdds, Way
from relayload.core.units import format_duration
from relayload.fakerelay.process import FakeRelay
from relayload.report.markdown import table
from relayload.report.overhead import amount, held_line

DOCS = Path(__file__).parents[1] / "docs"
GATEWAYS = (NGINX, FERROGW, SMG, PORTKEY, LITELLM)
KINDS = {"stream": "Streams of 20 tokens at 100/s", "plain": "Answers in one piece"}
PRESET = """
models:
  o3: {ttft: {any: 30ms}, speed: 100/s, output_tokens: {any: 20}}
"""
PUBLISHED = {
    "ferrogw": "13,925 requests/s at 1,000 users on 8 cores with an upstream of 60 ms (Ferro Labs, by k6 and wrk): a "
    "closed loop, without an interval, and no overhead of a single request",
    "litellm": "overhead p50 2 ms, p95 8 ms, p99 13 ms (its documentation), by its own header, whose clock starts "
    "after the server has queued the request; +9.8 ms at p99 with one request at a time (ai-gateway-bench, its own)",
    "portkey": "5 to 10 ms on the same machine, 20 ms hosted (its maintainers); +2.65 ms [2.57, 2.83] at the median "
    "(llm-gateway-bench), +2.8 ms at p99 with one request at a time (ai-gateway-bench)",
}
"""What others publish, and how it was measured."""


_UNTOLD = "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(gateway.name for gateway in GATEWAYS))
    parser.add_argument("--json", type=Path, default=DOCS / "gateways", metavar="DIR")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    options, more = parser.parse_known_args()
    if not options.page:
        options.json.mkdir(exist_ok=True)
        wanted = options.only.split(",")
        for gateway in GATEWAYS:
            if gateway.name in wanted:
                measure(gateway, options.json, [word for word in more if word != "--"])
    (DOCS / "gateways.md").write_text("".join(f"{line}\n" for line in page(options.json)))


def measure(gateway: Gateway, results: Path, more: Sequence[str]) -> None:
    if not gateway.installed:
        print(f"{gateway.name} is not installed: .ci/gateways", file=sys.stderr)
        return
    folder = Path(tempfile.mkdtemp())
    preset = folder / "preset.yaml"
    preset.write_text(PRESET)
    with FakeRelay.start(str(preset)) as relay, gateway.running(_origin(relay), folder / gateway.name) as running:
        for kind in KINDS if gateway.streams else ("plain",):
            profile = folder / f"{gateway.name}-{kind}.yaml"
            profile.write_text(yaml.safe_dump(side_by_side(running, stream=kind == "stream")))
            out = folder / f"out-{kind}"
            where = ["--relay-pid", f"{gateway.name}={running.process.pid}", "--out", str(out)]
            command = [sys.executable, "-m", "relayload", "overhead", str(profile), *where, *more]
            code = subprocess.run(command, env={**os.environ, **gateway.key_variable}, check=False).returncode
            if (out / "overhead.json").exists():
                found = msgspec.json.decode((out / "overhead.json").read_bytes(), type=Overhead)
                _write(results / f"{gateway.name}-{kind}.json", found, gateway)
            print(f"{gateway.name}, {kind}: exit code {code}", file=sys.stderr)


def _origin(relay: FakeRelay) -> str:
    return relay.base_url.removesuffix("/v1")


def _write(path: Path, found: Overhead, gateway: Gateway) -> None:
    versions = {gateway.name: version_of(gateway), **found.versions}
    kind_of_machine = f"{platform.system()} {platform.machine()}"
    published = msgspec.structs.replace(found, versions=versions, platform=kind_of_machine)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(published)) + b"\n")


def version_of(gateway: Gateway) -> str:
    """Return the version of a gateway as its package, or itself, says."""
    if gateway in (FERROGW, SMG):
        return version(gateway.name)
    executable = gateway.executable()
    if gateway is NGINX:
        said = subprocess.run([str(executable), "-v"], capture_output=True, text=True, check=True).stderr
        return said.rpartition("/")[2].strip()
    if gateway is PORTKEY:
        package = INSTALLED / "portkey/node_modules/@portkey-ai/gateway/package.json"
        return str(msgspec.json.decode(package.read_bytes())["version"])
    ask = "from importlib.metadata import version; print(version('litellm'))"
    python = INSTALLED / "litellm/bin/python"
    return subprocess.run([str(python), "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def page(results: Path) -> Iterator[str]:
    """Yield the lines of docs/gateways.md."""
    yield from HEAD.splitlines()
    found = {
        path.stem: msgspec.json.decode(path.read_bytes(), type=Overhead) for path in sorted(results.glob("*.json"))
    }
    for kind, heading in KINDS.items():
        own = [(gateway.name, found[name]) for gateway in GATEWAYS if (name := f"{gateway.name}-{kind}") in found]
        if own:
            yield from ("", f"## {heading}", "")
            yield from _alone(own, kind)
            yield from _loaded(own, kind)
    yield from ("", "## What others publish", "", *_published(), "", *TAIL.splitlines(), "", "## How it was run", "")
    yield from table(("measurement", "versions", "date", "requests", "load"), _facts(found))


def _alone(found: Sequence[tuple[str, Overhead]], kind: str) -> Iterator[str]:
    """Yield a table of what is added to single requests."""
    quantities = [("latency", "latency"), *([("ttft", "TTFT"), ("chunk_gap", "chunk gap")] if kind == "stream" else [])]
    headings = ["gateway", *(f"{label}, {which}" for _, label in quantities for which in ("per pair", "p95"))]
    rows = []
    for name, overhead in found:
        adds = _adds(_phase(overhead, None))
        rows.append(
            [name, *(_added(adds, measure, per_pair) for measure, _ in quantities for per_pair in (True, False))]
        )
    told = [column for column in range(len(headings)) if any(row[column] != _UNTOLD for row in rows)]
    yield from ("Added to one request at a time, with the 95 % interval:", "")
    yield from table([headings[column] for column in told], [[row[column] for column in told] for row in rows])
    floors = [each for _, overhead in found if (each := _floor(_phase(overhead, None))) is not None]
    if floors:
        yield from (
            "",
            f"The floor, which is the direct way against itself: {_span(floors)} µs per pair.",
        )


def _span(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return f"{least}" if least == most else f"{least} to {most}"


def _loaded(found: Sequence[tuple[str, Overhead]], kind: str) -> Iterator[str]:
    """Yield a table of what is added under load, a row for each share."""
    rows = []
    for name, overhead in found:
        for phase in (phase for phase in overhead.phases if phase.share is not None):
            rows.append([name, *_load_cells(phase, kind == "stream")])
    if rows:
        quantity = ["TTFT, per pair"] if kind == "stream" else []
        streams = ["streams sustained", "coalesced"] if kind == "stream" else []
        headings = ["gateway", "load", "latency, per pair", *quantity, *streams, "errors", "CPU/request", "memory"]
        yield from ("", "Under an open load of 25, 50 and 75 % of what the slower of both ways holds:", "")
        yield from table(headings, rows)


def _load_cells(phase: Phase, streamed: bool) -> list[str]:
    adds, way = _adds(phase), phase.ways[-1]
    cells = [f"{phase.rate_per_s:.3g}/s{', INVALID' if phase.doubts else ''}", _added(adds, "latency", per_pair=True)]
    if streamed:
        chunks = adds.chunks
        cells.append(_added(adds, "ttft", per_pair=True))
        cells.append(f"{way.streams.sustained} of {way.streams.offered}" if way.streams else "–")
        cells.append(f"{chunks.coalesced_streams} of {chunks.pairs}" if chunks else "–")
    return [*cells, f"{sum(way.errors.values())} of {way.requests}", *_resources(way)]


def _resources(way: Way) -> list[str]:
    used = way.resources
    if used is None:
        return ["–", "–"]
    cpu = "–" if used.cpu_s_per_request is None else format_duration(used.cpu_s_per_request)
    return [cpu, f"{used.rss_most_bytes / 1e6:.0f}MB"]


def _phase(overhead: Overhead, share: float | None) -> Phase:
    return next(phase for phase in overhead.phases if phase.share == share)


def _adds(phase: Phase) -> RelayAdds:
    (adds,) = phase.relays
    return adds


def _added(adds: RelayAdds, measure: str, per_pair: bool) -> str:
    found = next((each for each in adds.measures if each.name == measure), None)
    at = None if found is None else next((at for at in found.percentiles if _is_wanted(at, per_pair)), None)
    if found is None or at is None or at.finding is Finding.TOO_FEW:
        return _UNTOLD
    if at.finding is Finding.NOT_MEASURABLE:
        return f"below {amount(at.floor, found.unit)}"
    interval = (
        "" if at.low is None or at.high is None else f" [{amount(at.low, found.unit)}, {amount(at.high, found.unit)}]"
    )
    return f"{amount(at.added, found.unit)}{interval}"


def _is_wanted(at: AddedPercentile, per_pair: bool) -> bool:
    return at.per_pair if per_pair else not at.per_pair and at.p == 95


def _floor(phase: Phase) -> int | None:
    """Return the floor of latency in whole microseconds."""
    latency = next((measure for measure in phase.floor if measure.name == "latency"), None)
    at = None if latency is None else next((at for at in latency.percentiles if at.per_pair), None)
    return None if at is None or at.floor is None else round(at.floor * 1e6)


def _published() -> Iterable[str]:
    return [f"- **{name}**: {claim}." for name, claim in PUBLISHED.items()]


def _facts(found: dict[str, Overhead]) -> Iterator[list[str]]:
    for name, overhead in found.items():
        versions = ", ".join(f"{each} {number}" for each, number in overhead.versions.items())
        load = "–" if overhead.held is None else held_line(overhead.held).removeprefix("load: ")
        yield [name, versions, overhead.started_at[:10], f"{overhead.requests:,}", load]


HEAD = """# What real gateways add

<!-- made by benchmarks/gateways.py: edit that -->

Measured by [`relayload overhead`](overhead.md) on one machine of two shared virtual cores, which gateway, fake relay
and load generator share. Each gateway stood in front of the same fake relay with constant times (30 ms to the first
token, 100 tokens/s), as [gateway_processes.py](../benchmarks/gateway_processes.py) starts it: no cache, no database, no
plugin, no retry, its own defaults otherwise. These are figures of these versions on this machine; they rank nothing
that is set up otherwise. To repeat them:

```sh
.ci/gateways                     # installs nginx, LiteLLM and Portkey; ferrogw and smg come with '.[test]'
python benchmarks/gateways.py
```

*Per pair* is the median of the differences within pairs of requests that were sent side by side; at p95 stands the
difference between both percentiles. *Below* an amount: not to be told from the direct way against itself. A dash: too
few requests, or too much in common to those that follow one another, to tell. INVALID: load generator and gateway had
too little of the two cores."""
TAIL = """Why they differ from the figures above:

- A **header** of the gateway's own counts from when its code sees the request. What the request waits before that, and
  what is spent on writing the answer, is in none of them; the difference between two ways has it all.
- A **closed loop** of one user measures an idle gateway, one of a thousand users its saturation: both are far from a
  rate at which the gateway is half busy, and neither says what an arrival waits.
- **Answers in one piece** hide what is done to each chunk of a stream.
- Gateway, upstream and generator on **two cores** take CPU from one another, so that added latency under load is larger
  here than on a machine of its own. The floor under load shows how much.
- Most published figures have no interval, and are of another version, configuration and machine."""


if __name__ == "__main__":
    main()
