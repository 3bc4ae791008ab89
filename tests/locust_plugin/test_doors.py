"""Join secrets: who has it takes part, who has not is told, or ignored."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from support import LOCUSTFILE, ROOT, Process, Start, ran_patched, records, relay_stats, saved, wait_for
from tcp_proxy import TcpProxy

from relayload.fakerelay.process import FakeRelay

WriteProfile = Callable[..., Path]
SECRET = {"RELAYLOAD_JOIN_SECRET": "the secret of the test suite"}
OTHER = {"RELAYLOAD_JOIN_SECRET": "some other secret of tests"}
NONE: dict[str, str] = {}
WITHOUT_CURVE = """
from locust import events

import zmq

from relayload import load_users

zmq.has = lambda _: False
globals().update(load_users(__name__))
"""


@pytest.fixture
def locustfile(tmp_path: Path) -> Path:
    """That of a host whose ZeroMQ has no CURVE."""
    path = tmp_path / "without_curve.py"
    path.write_text(WITHOUT_CURVE)
    return path


@pytest.fixture
def master(start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, port: int) -> Callable[..., Process]:
    """Starts a master that waits for one worker."""

    def starter(*arguments: str | Path, file: Path = LOCUSTFILE, seconds: int = 1, **environ: str) -> Process:
        named = ("--relay-profile", profile(arrivals="constant", seconds=seconds), "--relay-out", tmp_path / "run")
        options = ("--relay-set", f"target.base_url={relay.base_url}", "--expect-workers", "1", "--only-summary")
        listens = ("--master", "--master-bind-port", port)
        return start("locust", "-f", file, "--headless", *listens, *named, *options, *arguments, **environ)

    return starter


@pytest.fixture
def worker(start: Start, port: int) -> Callable[..., Process]:
    def starter(*arguments: str | Path, file: Path = LOCUSTFILE, **environ: str) -> Process:
        return start("locust", "-f", file, "--worker", "--master-port", port, *arguments, **environ)

    return starter


def test_a_secret_in_files_lets_master_and_worker_meet(master: Start, worker: Start, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("the very same secret\n")
    run, other = master("--relay-secret-file", "a"), worker("--relay-secret-file", "b")
    assert run.wait() == other.wait() == 0, run.output
    assert "refused" not in run.output


def test_without_curve_they_meet_by_hmac(master: Start, worker: Start, locustfile: Path, tmp_path: Path) -> None:
    run = master("--master-bind-host", "0.0.0.0", file=locustfile, **SECRET)
    other = worker(file=locustfile, **SECRET)
    assert run.wait() == other.wait() == 0, run.output
    assert "ZeroMQ has no CURVE here: joins are authenticated, but" in run.output
    assert saved(tmp_path / "run", "summary.json")["counts"]["lost"] == 0


@pytest.mark.parametrize(
    ("masters", "workers", "curve", "own_profile", "why"),
    [
        (SECRET, OTHER, (True, True), False, "has another join secret"),
        (SECRET, NONE, (True, True), False, "wants a join secret: write --relay-secret-file FILE, or set RELAYLOAD"),
        (NONE, SECRET, (True, True), True, "has no join secret, or a ZeroMQ without CURVE: write"),
        (SECRET, OTHER, (False, False), False, "the master has another join secret"),
        (SECRET, NONE, (False, False), True, "the master wants a join secret: write --relay-secret-file FILE"),
        (NONE, SECRET, (False, False), False, "the master has no join secret: write --relay-secret-file FILE"),
        (SECRET, SECRET, (True, False), True, "encrypts its channel, which ZeroMQ can't do here: install the wheel"),
        (SECRET, SECRET, (False, True), True, "has no join secret, or a ZeroMQ without CURVE: write"),
    ],
)
def test_a_worker_that_can_not_join_says_why_in_one_line(
    master: Start,
    worker: Start,
    locustfile: Path,
    tmp_path: Path,
    masters: dict[str, str],
    workers: dict[str, str],
    curve: tuple[bool, bool],
    own_profile: bool,
    why: str,
) -> None:
    files = [LOCUSTFILE if has else locustfile for has in curve]
    master(file=files[0], **masters)
    own = ("--relay-profile", tmp_path / "short.yaml") if own_profile else ()
    stranger = worker(*own, file=files[1], **workers)
    assert stranger.wait() == 2, stranger.output
    (line,) = [line for line in stranger.output.splitlines() if "this worker takes no part" in line]
    assert line.startswith("relayload: this worker takes no part: the master ")
    assert why in line
    assert "Traceback" not in stranger.output
    assert not (tmp_path / "run").exists(), "no run has begun"


@pytest.mark.parametrize("curve", [True, False])
def test_a_master_says_that_it_refused_somebody(master: Start, worker: Start, locustfile: Path, curve: bool) -> None:
    file = LOCUSTFILE if curve else locustfile
    run = master(file=file, **SECRET)
    worker(file=file).wait()
    wait_for(lambda: "a connection of a worker was refused: it has no join secret, or another one" in run.output)


MASTER_KEY = """
from locust import events

import sys

from relayload.engine.join_secret import JoinSecret
from relayload.locust_plugin.curve import CurveKeys

print(CurveKeys(JoinSecret(sys.argv[1].encode())).master_public.decode())
"""


@pytest.mark.parametrize(("curve", "knows_key"), [(True, False), (True, True), (False, False)])
def test_a_stranger_changes_nothing(
    master: Start,
    worker: Start,
    start: Start,
    relay: FakeRelay,
    locustfile: Path,
    tmp_path: Path,
    port: int,
    curve: bool,
    knows_key: bool,
) -> None:
    file = LOCUSTFILE if curve else locustfile
    run = master("--loglevel", "DEBUG", "--expect-workers", "2", file=file, seconds=4, **SECRET)
    worker(file=file, **SECRET)
    wait_for(lambda: "reported as ready" in run.output)
    (victim,) = re.findall(r"(\S+) \(index \d\) reported as ready", run.output)
    key = ran_patched(MASTER_KEY, *SECRET.values()).strip() if knows_key else "-"
    rogue = start("rogue_worker", str(port), key, victim, PYTHONPATH=str(ROOT / "tests"))
    wait_for(lambda: "begun" in rogue.output)
    worker(file=file, **SECRET)
    assert run.wait() == 0, run.output
    counts = saved(tmp_path / "run", "summary.json")["counts"]
    assert counts["offered"] == counts["ok"] == relay_stats(relay)["requests"] == 85
    assert saved(tmp_path / "run", "run.json")["workers"] == 2
    assert "rogue" not in run.output, "no handler saw a message of it"
    told = [line for line in rogue.output.splitlines() if "was sent" in line]
    assert all("wants a join secret" in line for line in told), "it learns nothing but that"


def test_a_stranger_can_not_join_the_workers_that_a_master_has_forked(
    locust: Start, start: Start, profile: WriteProfile, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    options = ("--relay-profile", profile(arrivals="constant", seconds=4), "--relay-out", tmp_path / "run")
    where = ("--relay-set", f"target.base_url={relay.base_url}", "--master-bind-port", port, "--master-port", port)
    rogue = start("rogue_worker", str(port), "-", "nobody", PYTHONPATH=str(ROOT / "tests"))
    wait_for(lambda: "begun" in rogue.output)
    run = locust(*options, *where, "--processes", "2")
    assert run.wait() == 0, run.output
    assert saved(tmp_path / "run", "summary.json")["counts"]["ok"] == relay_stats(relay)["requests"] == 85
    assert saved(tmp_path / "run", "run.json")["workers"] == 2
    assert "rogue" not in run.output
    assert "was sent" not in rogue.output


def test_the_secret_goes_on_after_a_broken_connection(
    master: Start, worker: Start, locustfile: Path, tmp_path: Path, port: int
) -> None:
    run = master(file=locustfile, seconds=3, **SECRET)
    with TcpProxy(port) as proxy:
        worker("--master-port", str(proxy.port), file=locustfile, **SECRET)
        for count in (5, 25, 45):
            wait_for(lambda count=count: records(tmp_path / "run") > count)  # type: ignore[misc]
            proxy.break_all()
        assert run.wait() == 0, run.output
        assert proxy.broken >= 3
    assert saved(tmp_path / "run", "summary.json")["counts"]["lost"] == 0


def test_a_worker_waits_for_a_master_behind_a_tunnel_that_hangs_up(master: Start, worker: Start, port: int) -> None:
    with TcpProxy(port) as tunnel:
        early = worker("--master-port", str(tunnel.port), **SECRET)
        wait_for(lambda: "waiting for the master" in early.output)
        run = master(**SECRET)
        assert run.wait() == early.wait() == 0, early.output


@pytest.mark.parametrize(
    ("host", "secret", "warned"),
    [("0.0.0.0", NONE, True), ("*", NONE, True), ("127.0.0.1", NONE, False), ("0.0.0.0", SECRET, False)],
)
def test_a_master_that_others_can_reach_warns_without_a_secret(
    master: Start, host: str, secret: dict[str, str], warned: bool
) -> None:
    run = master("--master-bind-host", host, **secret)
    wait_for(lambda: "a load of kind open" in run.output)
    assert ("no join secret: whoever reaches" in run.output) is warned


def test_a_secret_that_is_none_ends_a_master_before_it_listens(master: Start, port: int) -> None:
    run = master(RELAYLOAD_JOIN_SECRET="short")
    assert run.wait() == 2
    assert "RELAYLOAD_JOIN_SECRET: the join secret has 5 bytes, and needs 16" in run.output
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


OTHER_LOCUSTS = {
    "another way to make sockets": "zmqrpc.BaseSocket.__init__ = lambda self, sock_type: None",
    "no base class": "del zmqrpc.BaseSocket",
    "another module": "runners.rpc = object()",
}


@pytest.mark.parametrize("change", OTHER_LOCUSTS.values(), ids=OTHER_LOCUSTS)
def test_a_locust_that_can_not_be_secured_is_refused(master: Start, worker: Start, tmp_path: Path, change: str) -> None:
    code = f"from locust import runners\nfrom locust.rpc import zmqrpc\n\n{change}\n"
    (tmp_path / "other.py").write_text(f"{code}{WITHOUT_CURVE.replace('zmq.has', '_')}")
    for process in (master(file=tmp_path / "other.py", **SECRET), worker(file=tmp_path / "other.py", **SECRET)):
        assert process.wait() == 2, process.output
        assert "the join secret can't be used: Locust 2." in process.output


def test_a_socket_that_went_round_the_door_is_noticed(master: Start, tmp_path: Path, port: int) -> None:
    late = "from locust import events\n\nfrom locust.rpc import zmqrpc\n\nmade = zmqrpc.BaseSocket.__init__\n"
    (tmp_path / "round.py").write_text(
        f"{late}{WITHOUT_CURVE.replace('zmq.has', '_')}\nzmqrpc.BaseSocket.__init__ = made\n"
    )
    run = master(file=tmp_path / "round.py", **SECRET)
    assert run.wait() == 2, run.output
    assert "the join secret is not in force" in run.output


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ["==2.43.*", "==2.44.*", "==2.45.*", "==2.46.*", ">=2.47,<3"])
def test_each_locust_can_be_secured(
    master: Start, worker: Start, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, wanted: str
) -> None:
    folder = tmp_path_factory.mktemp("locust")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, f"locust{wanted}"]
    done = subprocess.run(list(map(str, pip)), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"that Locust can't be had here: {done.stderr}")
    paths = {"PYTHONPATH": str(folder)}
    run = master(**SECRET, **paths)
    stranger, other = worker(**OTHER, **paths), worker(**SECRET, **paths)
    assert run.wait() == other.wait() == 0, run.output
    assert stranger.wait() == 2
    (version,) = re.findall(r"Starting Locust (\S+)", run.output)
    assert SpecifierSet(wanted).contains(version)
    assert saved(tmp_path / "run", "run.json")["workers"] == 1
