"""Real gateways in front of the fake relay: what doctor says of them, what runs through them, and how they refuse.

Those of PyPI run always; the others where they are installed, with the slow tests (`.ci/gateways` installs them).
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from gateway_processes import (
    FERROGW,
    FERROGW_LIMITING,
    LITELLM,
    NGINX,
    NGINX_BUFFERING,
    NGINX_CUTTING,
    NGINX_LIMITING,
    PORTKEY,
    SMG,
    SMG_LIMITING,
    Gateway,
    Running,
    side_by_side,
)
from support import Start

from relayload.core.model.record import Record
from relayload.core.overhead.findings import Overhead
from relayload.fakerelay.process import FakeRelay
from relayload.recording import Recording

pytestmark = pytest.mark.gateways
TOKENS = 12
STREAMED = {"model": "o3", "prompt": "simple", "max_output_tokens": TOKENS}
PLAIN = STREAMED | {"stream": False}
UNMEASURED = {"late": "10s", "late_share": "100%", "loop_lag": "10s"}  # these tests are not about a busy machine


def _each(*gateways: Gateway) -> list[Any]:
    quick = (FERROGW, FERROGW_LIMITING, SMG, SMG_LIMITING)
    return [
        pytest.param(gateway, id=gateway.name, marks=[] if gateway in quick else pytest.mark.slow)
        for gateway in gateways
    ]


TRANSPARENT = _each(FERROGW, SMG, NGINX, LITELLM, PORTKEY)
"""Gateways that add nothing of their own to a request."""
Front = Callable[[Gateway, FakeRelay], Running]


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeRelay]:
    with FakeRelay.start(sets=[f"models.o3.output_tokens={{any: {TOKENS}}}"]) as relay:
        yield relay


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Starts gateways in front of relays; each once, since some take half a minute to start."""
    running: dict[tuple[str, str], Running] = {}
    with ExitStack() as stack:

        def front(gateway: Gateway, relay: FakeRelay) -> Running:
            if not gateway.installed:
                pytest.skip(f"{gateway.name} is not installed: .ci/gateways")
            upstream = relay.base_url.removesuffix("/v1")
            if (gateway.name, upstream) not in running:
                folder = tmp_path_factory.mktemp(gateway.name)
                running[gateway.name, upstream] = stack.enter_context(gateway.running(upstream, folder))
            return running[gateway.name, upstream]

        yield front


Written = Callable[..., Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes a profile with this target and these scenarios; a second and a half of load."""

    def write(target: dict[str, Any], **scenarios: dict[str, Any]) -> Path:
        path = tmp_path / "profile.yaml"
        document = {
            "name": "through-a-gateway",
            "target": target,
            "load": {"kind": "open", "stages": [{"for": "1500ms", "rate": "20/s"}]},
            "scenarios": scenarios,
            "generator": UNMEASURED,
            "objectives": ["errors.rate < 50%"],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    return write


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_doctor_finds_a_gateway_healthy(
    gateway: Gateway, front: Front, upstream: FakeRelay, written: Written, start: Start
) -> None:
    doctor = start("relayload", "doctor", written(front(gateway, upstream).target(), **_scenarios(gateway)))
    assert doctor.wait() == 0, doctor.output
    assert "healthy" in doctor.output


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_what_goes_through_a_gateway_arrives_whole(
    gateway: Gateway, front: Front, upstream: FakeRelay, written: Written, start: Start, tmp_path: Path
) -> None:
    run = start("relayload", "run", written(front(gateway, upstream).target(), **_scenarios(gateway)))
    assert run.wait() == 0, run.output
    recording = _recording(tmp_path)
    counts = recording.summary().counts
    assert counts.ok == counts.offered > 0
    answers = [line.attempts[-1] for line in recording.lines() if isinstance(line, Record)]
    assert {answer.output_tokens for answer in answers} == {TOKENS}
    assert {answer.chunks for answer in answers if answer.chunks} == ({TOKENS} if gateway.streams else set())


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_a_wrong_key_ends_a_run_before_it_begins(
    gateway: Gateway, front: Front, upstream: FakeRelay, written: Written, start: Start, tmp_path: Path
) -> None:
    profile = written(front(gateway, upstream).target(api_key="sk-of-nobody"), **_scenarios(gateway))
    doctor = start("relayload", "doctor", profile)
    assert doctor.wait() == 6, doctor.output
    assert "target.api_key" in doctor.output
    run = start("relayload", "run", profile)
    assert run.wait() == 6, run.output
    assert "sk-of-nobody" not in doctor.output + run.output


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_doctor_names_a_model_that_is_not_there(
    gateway: Gateway, front: Front, upstream: FakeRelay, written: Written, start: Start
) -> None:
    target = front(gateway, upstream).target()
    doctor = start("relayload", "doctor", written(target, plain=PLAIN | {"model": "o33"}))
    assert doctor.wait() == 6, doctor.output
    assert "o33" in doctor.output
    assert "scenarios.plain.model" in doctor.output


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_an_upstream_that_is_down_is_no_success(gateway: Gateway, front: Front, written: Written, start: Start) -> None:
    with FakeRelay.start() as relay:
        target = front(gateway, relay).target()
    run = start("relayload", "run", written(target, plain=PLAIN))
    assert run.wait() in (3, 6), run.output
    doctor = start("relayload", "doctor", written(target, plain=PLAIN))
    assert doctor.wait() == 6, doctor.output


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_the_429_of_an_upstream_is_one_behind_a_gateway(
    gateway: Gateway, front: Front, written: Written, start: Start, tmp_path: Path
) -> None:
    with FakeRelay.start(sets=["faults=[{kind: status, status: 429, retry_after: 7s}]"]) as relay:
        run = start("relayload", "run", written(front(gateway, relay).target(), plain=PLAIN))
        assert run.wait() == 3, run.output
    summary = _recording(tmp_path).summary()
    assert summary.counts.by_outcome == {"rate_limited": summary.counts.offered}


@pytest.mark.parametrize("gateway", TRANSPARENT)
def test_what_a_gateway_adds_is_measured(
    gateway: Gateway, front: Front, upstream: FakeRelay, start: Start, tmp_path: Path
) -> None:
    profile, found = tmp_path / "side-by-side.yaml", tmp_path / "found"
    profile.write_text(yaml.safe_dump(side_by_side(front(gateway, upstream), stream=gateway.streams)))
    asked = ("--pairs", "20", "--no-load", "--out", found)
    overhead = start("relayload", "overhead", profile, *asked, **gateway.key_variable)
    assert overhead.wait() in (0, 4), overhead.output  # a busy machine can't be believed
    told = msgspec.json.decode((found / "overhead.json").read_bytes(), type=Overhead)
    (adds,) = told.phases[-1].relays
    assert (adds.relay, adds.pairs) == (gateway.name, 20)
    if gateway.streams:
        assert adds.chunks is not None
        assert adds.chunks.relay == adds.chunks.direct == 20 * TOKENS
        assert adds.chunks.lost_streams == 0


@pytest.mark.parametrize("gateway", _each(FERROGW_LIMITING, SMG_LIMITING, NGINX_LIMITING))
def test_a_limit_of_the_gateway_itself_is_a_429(
    gateway: Gateway, front: Front, upstream: FakeRelay, written: Written, start: Start, tmp_path: Path
) -> None:
    run = start("relayload", "run", written(front(gateway, upstream).target(), plain=PLAIN))
    assert run.wait() in (0, 3, 4), run.output
    outcomes = _recording(tmp_path).summary().counts.by_outcome
    assert set(outcomes) == {"ok", "rate_limited"}


@pytest.mark.slow
def test_doctor_says_that_a_gateway_fails_only_streams(
    front: Front, upstream: FakeRelay, written: Written, start: Start
) -> None:
    doctor = start("relayload", "doctor", written(front(PORTKEY, upstream).target(), streamed=STREAMED))
    assert doctor.wait() == 6, doctor.output
    assert "stream: false" in doctor.output


@pytest.mark.slow
def test_streams_that_a_gateway_holds_back_are_told(
    front: Front, upstream: FakeRelay, written: Written, start: Start
) -> None:
    profile = written(front(NGINX_BUFFERING, upstream).target(), streamed=STREAMED)
    for verb in ("doctor", "run"):
        told = start("relayload", verb, profile)
        told.wait()
        assert ("compresses them (gzip" if verb == "doctor" else "one piece") in told.output


@pytest.mark.slow
def test_streams_that_a_gateway_cuts_are_broken(front: Front, written: Written, start: Start, tmp_path: Path) -> None:
    with FakeRelay.start(sets=["faults=[{kind: stall, for: 10s}]"]) as relay:
        run = start("relayload", "run", written(front(NGINX_CUTTING, relay).target(), streamed=STREAMED))
        assert run.wait() == 3, run.output
    summary = _recording(tmp_path).summary()
    assert summary.counts.by_outcome == {"broken_stream": summary.counts.offered}


def _scenarios(gateway: Gateway) -> dict[str, dict[str, Any]]:
    return {"plain": PLAIN, "streamed": STREAMED} if gateway.streams else {"plain": PLAIN}


def _recording(folder: Path) -> Recording:
    (run_dir,) = (folder / "runs").iterdir()
    return Recording.open(run_dir)
