"""Workers on other hosts: their records reach the master, and what it has at the end is the whole recording.

A worker takes itself for one on another host by a locustfile of the test, and has a directory of its own.
"""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import LOCUSTFILE, Process, Start, records, relay_stats, saved, wait_for
from tcp_proxy import TcpProxy

from relayload.core.model.record import Record
from relayload.fakerelay.process import FakeRelay
from relayload.recording import Recording

WriteProfile = Callable[..., Path]
ELSEWHERE = """
from locust import events

import os
from pathlib import Path

from relayload import load_users
from relayload.engine import host, master_clock

host.host_id = master_clock.host_id = lambda: "elsewhere"
folder = Path(__file__).parent / "elsewhere"
folder.mkdir(exist_ok=True)
os.chdir(folder)
globals().update(load_users(__name__))
"""


@pytest.fixture
def elsewhere(start: Start, tmp_path: Path, port: int) -> Callable[..., Process]:
    """Starts a worker that takes itself for one on another host."""

    def starter(*arguments: str | Path, code: str = ELSEWHERE, **more: Any) -> Process:
        (tmp_path / "far.py").write_text(code)
        return start("locust", "-f", tmp_path / "far.py", "--worker", "--master-port", port, *arguments, **more)

    return starter


@pytest.fixture
def master(locust: Start, tmp_path: Path, port: int) -> Callable[..., Process]:
    """Starts a master that waits for workers."""

    def starter(*arguments: str | Path, workers: int = 1, **more: Any) -> Process:
        listens = ("--master", "--expect-workers", str(workers), "--master-bind-port", str(port))
        return locust(*listens, "--relay-out", tmp_path / "run", *arguments, **more)

    return starter


def parts(tmp_path: Path) -> list[Path]:
    """The recordings that workers elsewhere have on their own disk."""
    return sorted((tmp_path / "elsewhere" / "runs").glob("*"))


def recorded(tmp_path: Path, least: int) -> bool:
    """Whether a worker elsewhere has recorded so much."""
    return any(records(part) > least for part in parts(tmp_path))


def sums_hold(run_dir: Path) -> dict[str, Any]:
    counts: dict[str, Any] = saved(run_dir, "summary.json")["counts"]
    assert counts["offered"] == counts["started"] + counts["dropped"] + counts["lost"]
    assert counts["started"] == sum(counts["by_outcome"].values())
    return counts


def test_the_master_has_all_records_of_workers_on_other_hosts(
    master: Start, elsewhere: Start, start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    options = ("--relay-profile", profile(), "--relay-set", f"target.base_url={relay.base_url}")
    run = master(*options, workers=2)
    far = elsewhere(*options)
    near = start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port, *options)
    assert run.wait() == 0, run.output
    counts = sums_hold(tmp_path / "run")
    assert counts["started"] == counts["ok"] == relay_stats(relay)["requests"] == records(tmp_path / "run") - 2
    assert (counts["dropped"], counts["lost"]) == (0, 0)
    assert far.wait() == near.wait() == 0
    assert "from where the records go to the master" in far.output
    assert "from where the records go to the master" not in near.output
    assert parts(tmp_path) == [], "what the master has is removed"


def test_a_worker_on_another_host_keeps_the_same_sample_and_the_master_stores_it(
    master: Start, elsewhere: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    pytest.importorskip("backports.zstd")
    options: list[Any] = ["--relay-profile", profile(seconds=3), "--relay-set", f"target.base_url={relay.base_url}"]
    for setting in ("records=sample 20%", "compress=zstd", "rotate=2MB"):
        options += ["--relay-set", f"recording.{setting}"]
    run, far = master(*options), elsewhere(*options)
    assert run.wait() == far.wait() == 0, run.output
    assert sums_hold(tmp_path / "run")["ok"] == relay_stats(relay)["requests"]
    assert parts(tmp_path) == []
    assert [path.name for path in (tmp_path / "run").glob("records-*")] == ["records-0.jsonl.zst"]
    kept = [line for line in Recording.open(tmp_path / "run").lines() if isinstance(line, Record)]
    assert 0 < len(kept) < relay_stats(relay)["requests"] / 2


def test_what_a_killed_worker_had_sent_is_in_the_result_and_the_rest_is_lost(
    master: Start, elsewhere: Start, start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    path = profile(arrivals="constant", seconds=6)
    options = ("--relay-profile", path, "--relay-set", f"target.base_url={relay.base_url}")
    run = master(*options, workers=2)
    far = elsewhere(*options)
    start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port, *options)
    wait_for(partial(recorded, tmp_path, 10))
    own = next(parts(tmp_path)[0].glob("records-*.jsonl"))
    finished = own.read_bytes()
    shipped = tmp_path / "run" / own.name
    wait_for(lambda: shipped.exists() and shipped.stat().st_size >= len(finished))
    os.kill(far.popen.pid, signal.SIGKILL)
    assert run.wait() in (0, 3, 4), run.output
    assert own.read_bytes().startswith(shipped.read_bytes())
    assert shipped.read_bytes().startswith(finished)
    assert shipped.read_bytes().endswith(b"\n")
    assert sums_hold(tmp_path / "run")["lost"] > 0


def test_no_record_is_lost_with_the_connection(
    master: Start, elsewhere: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    path = profile(arrivals="constant", seconds=5)
    options = ("--relay-profile", path, "--relay-set", f"target.base_url={relay.base_url}")
    with TcpProxy(port) as proxy:
        run = master(*options)
        far = elsewhere(*options, "--master-port", str(proxy.port))
        for count in (10, 30, 50):
            wait_for(partial(recorded, tmp_path, count))
            proxy.break_all()
        assert run.wait() == far.wait() == 0, run.output
        assert proxy.broken >= 3
    counts = sums_hold(tmp_path / "run")
    assert counts["ok"] == relay_stats(relay)["requests"] == records(tmp_path / "run") - 1 == 105
    assert parts(tmp_path) == []


def test_a_killed_master_leaves_recordings_that_can_be_merged(
    master: Start, elsewhere: Start, start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    path = profile(arrivals="constant", seconds=60)
    options = ("--relay-profile", path, "--relay-set", f"target.base_url={relay.base_url}")
    run = master(*options)
    far = elsewhere(*options)
    wait_for(lambda: records(tmp_path / "run") > 10)
    run.popen.kill()
    assert run.wait() == -signal.SIGKILL
    far.popen.kill()
    far.wait()
    (part,) = parts(tmp_path)
    assert saved(part, "run.json")["uid"] == saved(tmp_path / "run", "run.json")["uid"]
    assert start("relayload", "report", "--rebuild", part).wait() == 0
    merged = start("relayload", "merge", tmp_path / "run", part, "--out", tmp_path / "merged")
    assert merged.wait() == 0, merged.output
    assert records(tmp_path / "merged") == records(part) >= records(tmp_path / "run")


FULL = """
from relayload.core.errors import AuthorError, Fault
from relayload.recording import growing_file

real = growing_file.append


def append(file, data, path):
    if path.stat().st_size > 2000:
        raise AuthorError([Fault("can't be written: No space left on device", file=str(path))])
    real(file, data, path)


growing_file.append = append
"""
NEAR = "from relayload import load_users\n\nglobals().update(load_users(__name__))\n"


@pytest.mark.parametrize("full", ["master", "worker"])
def test_a_full_disk_ends_the_run_with_the_reason(
    start: Start, elsewhere: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, port: int, full: str
) -> None:
    options = ("--relay-profile", profile(seconds=60), "--relay-set", f"target.base_url={relay.base_url}")
    (tmp_path / "near.py").write_text((FULL if full == "master" else "") + NEAR)
    listens = ("--master", "--expect-workers", "1", "--master-bind-port", port, "--relay-out", tmp_path / "run")
    run = start("locust", "-f", tmp_path / "near.py", "--headless", "--only-summary", *listens, *options)
    far = elsewhere(*options, code=ELSEWHERE + FULL if full == "worker" else ELSEWHERE)
    assert run.wait() == 1, run.output
    assert "records-0.jsonl: can't be written: No space left on device" in run.output
    far.wait()
    if full == "master":
        (part,) = parts(tmp_path)
        assert f"the records of this worker stay in {part}: the master can't write them" in far.output
        assert records(part) > records(tmp_path / "run")


def test_a_worker_that_can_not_record_ends_the_run_with_the_reason(
    master: Start, elsewhere: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path
) -> None:
    options = ("--relay-profile", profile(), "--relay-set", f"target.base_url={relay.base_url}")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "runs").write_text("a file")
    run = master(*options)
    elsewhere(*options)
    assert run.wait() == 1, run.output
    assert "a part of this run failed: runs/run-worker-0: can't be written to: Not a directory" in run.output
    assert relay_stats(relay)["requests"] == 0


OUT_OF_REACH = """
from relayload.engine import targets

targets.answers = lambda _: False
"""


def test_a_fake_relay_of_the_master_may_be_out_of_reach_for_other_hosts(
    master: Start, elsewhere: Start, profile: WriteProfile
) -> None:
    options = ("--relay-profile", profile())
    run = master(*options)
    elsewhere(*options, code=ELSEWHERE + OUT_OF_REACH)
    assert run.wait() == 1, run.output
    assert "target is a fake relay on the master's host, which this host can't reach" in run.output


TRAVELS = """
extends: base.yaml
name: far
target: {{base_url: "{url}", api_key: "${{env:FAR_KEY}}", headers: {{X-Team: "${{env:FAR_TEAM}}"}}}}
scenarios:
  simple: {{model: o3, prompt: {{file: prompts/of-mine.txt}}, max_output_tokens: {{file: lengths.txt}}}}
generator: {{late: 10s, late_share: 100%, loop_lag: 10s}}
objectives: [errors.rate < 50%]
"""
BASE = "load: {kind: open, stages: [{for: 1s, rate: 20/s}]}\ntarget: {prices: prices.yaml}\n"
SECRETS = {"FAR_KEY": "sk-secret-0123456789", "FAR_TEAM": "team-secret-far"}


@pytest.fixture
def guarded() -> Iterator[FakeRelay]:
    """A relay that asks for the key of the secrets."""
    with FakeRelay.start(api_key=SECRETS["FAR_KEY"]) as started:
        yield started


@pytest.fixture
def travelling(tmp_path: Path, guarded: FakeRelay) -> Path:
    """A profile with a base, files and secrets."""
    home = tmp_path / "home"
    (home / "prompts").mkdir(parents=True)
    (home / "prompts" / "of-mine.txt").write_text("tell me of Rome\ntell me of Oslo\n")
    (home / "lengths.txt").write_text("5\n7\n")
    (home / "prices.yaml").write_text("models: {o3: {input: $1, output: $2}}\n")
    (home / "base.yaml").write_text(BASE)
    (home / "far.yaml").write_text(TRAVELS.format(url=guarded.base_url))
    return home / "far.yaml"


def test_a_worker_without_a_profile_gets_that_of_the_master_and_uses_its_own_secrets(
    master: Start, elsewhere: Start, travelling: Path, guarded: FakeRelay, tmp_path: Path
) -> None:
    far = elsewhere(**SECRETS)  # which waits for its master
    here = {**SECRETS, "FAR_TEAM": "team-secret-master"}
    run = master("--relay-profile", travelling, "--relay-set", "seed=5", **here)
    assert run.wait() == far.wait() == 0, run.output
    counts = sums_hold(tmp_path / "run")
    assert counts["started"] == counts["ok"] == relay_stats(guarded)["requests"] == 20
    everything = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir()) + run.output.encode()
    assert not any(
        secret.encode() in everything + far.output.encode() for secret in (*SECRETS.values(), *here.values())
    )
    assert float(saved(tmp_path / "run", "summary.json")["cost"]["usd"]) > 0


def test_a_worker_names_what_it_misses(master: Start, elsewhere: Start, travelling: Path) -> None:
    run = master("--relay-profile", travelling, **SECRETS)
    far = elsewhere()
    assert far.wait() == 2
    for name in SECRETS:
        assert f"the environment variable {name} is not set" in far.output
    assert run.popen.poll() is None, "the master waits for a better one"


def test_a_key_in_the_profile_does_not_travel(master: Start, elsewhere: Start, travelling: Path) -> None:
    travelling.write_text(travelling.read_text().replace("${env:FAR_KEY}", SECRETS["FAR_KEY"]))
    run = master("--relay-profile", travelling, **SECRETS)
    far = elsewhere(**SECRETS)
    assert far.wait() == 2
    for output in (far.output, run.output):
        assert "far.yaml:4:" in output
        assert "target.api_key: a key in the profile does not travel: write ${env:NAME}" in output
        assert SECRETS["FAR_KEY"] not in output


OTHER_VERSION = ELSEWHERE.replace("globals()", 'import relayload\n\nrelayload.__version__ = "9.9"\nglobals()')


@pytest.mark.parametrize("own", [False, True])
def test_a_worker_of_another_version_is_refused_by_name(
    master: Start, elsewhere: Start, travelling: Path, own: bool
) -> None:
    run = master("--relay-profile", travelling, workers=2, **SECRETS)
    far = elsewhere(*(("--relay-profile", travelling) if own else ()), code=OTHER_VERSION, **SECRETS)
    assert far.wait() == 2, far.output
    for output in (far.output, run.output):
        assert "a worker has relayload 9.9, and the master 0.1.0: install the same version on both" in output
