"""`relayload overhead`: what it refuses, and real measurements of proxies whose delay is known."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import msgspec
import psutil
import pytest
from click.testing import CliRunner, Result
from slow_proxy import SlowProxy
from support import Process, present, until

from relayload.cli import main
from relayload.core.overhead.findings import AddedPercentile, Finding, Overhead, RelayAdds
from relayload.fakerelay.process import FakeRelay
from relayload.report.schemas import schema

PRESET = "models: {o3: {ttft: {any: 10ms}, speed: 400/s, output_tokens: {any: 10}}}\n"
DELAY_S = 0.02
QUIET = ("--set", "generator={late: 10s, late_share: 100%, loop_lag: 10s}")
"""These tests are not about a busy machine."""


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeRelay]:
    preset = tmp_path_factory.mktemp("preset") / "steady.yaml"
    preset.write_text(PRESET)
    with FakeRelay.start(str(preset)) as started:
        yield started


def port_of(url: str) -> int:
    return present(urlsplit(url).port)


def invoked(*arguments: str | Path) -> Result:
    return CliRunner(env={"GITHUB_ACTIONS": None}).invoke(main, ["overhead", *map(str, arguments)])


def measured(out: Path) -> Overhead:
    return msgspec.json.decode((out / "overhead.json").read_bytes(), type=Overhead)


def adds(found: Overhead, relay: str, phase: int = 0) -> RelayAdds:
    return next(each for each in found.phases[phase].relays if each.relay == relay)


def per_pair(added: RelayAdds, name: str) -> AddedPercentile:
    return next(measure for measure in added.measures if measure.name == name).percentiles[0]


def check_delay(at: AddedPercentile) -> None:
    """The proxy's delay was found, with its interval unless a busy machine made neighbours too much alike."""
    assert at.added > DELAY_S * 0.9
    if at.finding is not Finding.TOO_FEW:
        assert at.finding is Finding.MEASURED
        assert DELAY_S * 0.9 < present(at.low) <= at.added <= present(at.high)
        assert present(at.floor) < at.added


def test_a_known_delay_and_coalesced_chunks_are_found_and_the_same_relay_adds_nothing(relay: FakeRelay, tmp_path: Path):
    port, out = port_of(relay.base_url), tmp_path / "out"
    with SlowProxy(port, delay_s=DELAY_S) as slow, SlowProxy(port, gather_s=0.008) as gathering:
        relays = [f"slow={slow.base_url}", f"gathering={gathering.base_url}", f"null={relay.base_url}"]
        options: list[str] = [word for each in relays for word in ("--relay", each)]
        options += ["--pairs", "60", "--no-load", "--answer-seed", "1", "--json", *QUIET]
        result = invoked("--direct", relay.base_url, *options, "--relay-pid", f"null={relay.pid}", "--out", out)
    assert result.exit_code == 0, result.output
    found = measured(out)
    assert json.loads(result.stdout) == json.loads((out / "overhead.json").read_text())
    jsonschema.validate(json.loads(result.stdout), schema(Overhead))

    for name in ("latency", "ttft"):
        check_delay(per_pair(adds(found, "slow"), name))
    nothing = per_pair(adds(found, "null"), "latency")
    assert nothing.finding is not Finding.MEASURED or abs(nothing.added) < DELAY_S / 4

    assert found.phases[0].same_answers
    slowly, gathered = (present(adds(found, name).chunks) for name in ("slow", "gathering"))
    assert gathered.coalesced_streams > 50 > slowly.coalesced_streams
    assert gathered.together_relay > 3 * gathered.together_direct
    assert (gathered.lost_streams, gathered.missing) == (0, 0)

    ways = {way.target: way for way in found.phases[0].ways}
    assert {name: (way.requests, way.errors) for name, way in ways.items()} == dict.fromkeys(
        ("direct", "slow", "gathering", "null"), (60, {})
    )
    assert present(present(ways["null"].resources).cpu_s_per_request) > 0
    page = (out / "report.html").read_text()
    assert 'id="overhead"' in page
    assert "direct-again" not in page


@pytest.mark.slow
def test_under_load_streams_are_sustained_and_failures_are_told_by_kind(relay: FakeRelay, tmp_path: Path):
    out, markdown = tmp_path / "out", tmp_path / "table.md"
    with SlowProxy(port_of(relay.base_url), delay_s=DELAY_S) as slow:
        options = ["--relay", slow.base_url, "--pairs", "60", "--load-for", "4s", "--markdown", str(markdown), *QUIET]
        result = invoked("--direct", relay.base_url, *options, "--held", "80/s", "--out", out)
    assert result.exit_code == 0, result.output
    found = measured(out)
    assert [phase.rate_per_s for phase in found.phases] == [None, 20.0, 40.0, 60.0]
    for number in (1, 2, 3):
        assert per_pair(adds(found, "relay", number), "ttft").added > DELAY_S * 0.9
        streams = present(found.phases[number].ways[1].streams)
        assert streams.sustained > 0.9 * streams.offered
        assert streams.at_once >= 1
    assert "What relay adds to direct" in markdown.read_text()
    assert "not measurable" in result.stdout


@pytest.mark.slow
def test_the_rate_that_the_slowest_holds_is_searched_for(tmp_path: Path):
    slots = tmp_path / "slots.yaml"
    slots.write_text(PRESET + "capacity: {slots: 1}\n")
    with FakeRelay.start("direct") as direct, FakeRelay.start(str(slots)) as relay:
        options = ["--relay", relay.base_url, "--pairs", "10", "--load-for", "2s", *QUIET]
        result = invoked("--direct", direct.base_url, *options, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    held = present(measured(tmp_path / "out").held)
    assert 1 <= held.rate_per_s <= 30  # a slot serves one of 35 ms at a time
    assert present(held.broken_per_s) > held.rate_per_s


@pytest.mark.slow
def test_ctrl_c_tells_what_was_measured_so_far(relay: FakeRelay, tmp_path: Path):
    out = tmp_path / "out"
    words = ["--direct", relay.base_url, "--relay", relay.base_url, "--pairs", "2000", "--no-load", "--out", str(out)]
    process = Process(["relayload", "overhead", *words, *QUIET], tmp_path, {**os.environ}, "log")
    try:
        until(lambda: (out / "floor" / "records-0.jsonl").exists())
        process.signal(signal.SIGINT)
        assert process.wait() == 130
    finally:
        process.end()
    assert "before everything was measured: Ctrl-C" in process.output
    assert measured(out).ended_by == "Ctrl-C"


FAKES = ("--direct", "fake://direct", "--relay", "fake://direct")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "write --direct URL --relay URL"),
        (("--direct", "http://127.0.0.1:1/v1"), "write --direct URL --relay URL"),
        (("compare-relay-direct", "--model", "o3"), "--model goes without a PROFILE"),
        (("compare-relay-direct", "--reference", "x"), "--reference: there is no target 'x': expected one of direct"),
        (("quickstart",), "names one: write the direct way and the relays there"),
        (("--direct", "https://a.example/v1", "--relay", "http://127.0.0.1:1/v1"), "--allow-host a.example"),
        (("--direct", "http://127.0.0.1:1/v1", "--relay", "ftp://b"), "--relay relay: "),
        (("--direct", "http://127.0.0.1:1/v1", "--relay", "direct=http://127.0.0.1:2/v1"), "'direct' is taken"),
        ((*FAKES, "--held", "0/s"), "--held: expected a rate"),
        (
            (*FAKES, "--held", "4/s", "--no-load"),
            "--held: goes without",
        ),
        (
            (*FAKES, "--relay-pid", "x"),
            "--relay-pid: expected a number",
        ),
        ((*FAKES, "--relay-pid", "b=1"), "there is no target 'b'"),
        (
            (*FAKES, "--api-key-env", "sk-1234567890"),
            "expected the name of an environment variable, and not the key itself",
        ),
    ],
)
def test_wrong_arguments_are_told_and_nothing_is_sent(arguments: tuple[str, ...], told: str, tmp_path: Path):
    result = invoked(*arguments, *(("--out", tmp_path / "out") if arguments else ()))
    assert result.exit_code == 2
    assert told in result.output
    assert "sk-1234567890" not in result.output
    assert not (tmp_path / "out").exists()


def test_an_unreachable_target_ends_it(tmp_path: Path):
    result = invoked(
        "--direct", "fake://direct", "--relay", "http://127.0.0.1:9/v1", "--out", tmp_path / "out", "--json"
    )
    assert result.exit_code == 6
    assert "127.0.0.1:9" in result.stderr
    assert json.loads(result.stdout)["exit_code"] == 6


def test_a_key_that_would_have_to_be_copied_is_refused(tmp_path: Path):
    profile = tmp_path / "two.yaml"
    profile.write_text(
        "name: two\ntargets:\n  a: {base_url: fake://direct, api_key: hunter2hunter2}\n  b: {base_url: fake://direct}\n"
        "load: {kind: open, stages: [{for: 5s, rate: 5/s}]}\nscenarios: {s: {model: o3, prompt: simple}}\n"
    )
    result = invoked(profile, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert f"{profile}:3:" in result.output
    assert "targets.a.api_key: is sent by two targets here" in result.output
    assert "hunter2" not in result.output


def test_the_process_of_a_port_is_found(relay: FakeRelay):
    from relayload.overhead.process_meter import ProcessMeter, pid_of_port

    pid = pid_of_port(port_of(relay.base_url))
    assert relay.pid in (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True)))
    meter = ProcessMeter(pid)
    meter.begin()
    used = meter.end(10)
    assert used.processes >= 1
    assert used.rss_most_bytes > 1_000_000
