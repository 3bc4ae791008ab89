"""The page of a run, as it is served by a real Locust whose renderer is a process of its own."""

import gzip
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import pytest
from support import LOCUSTFILE, PATIENCE_S, Process, Start, asked, saved, wait_for

from relayload.locust_plugin.master_port import workers

WriteProfile = Callable[..., Path]
SAID = "page of the run at "


def url_of(run: Process) -> str:
    """Where a run says that its page is."""
    wait_for(lambda: SAID in run.output or run.popen.poll() is not None)
    assert SAID in run.output, run.output
    return run.output.partition(SAID)[2].split()[0]


def renderers(pid: int) -> list[int]:
    """The processes that render for a process."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if b"page_renderer" in Path(f"/proc/{child}/cmdline").read_bytes()]


def gone(pid: int) -> bool:
    try:
        return "zombie" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


def stop(url: str) -> None:
    """End a run as a button of Locust's page does."""
    asked(f"{url.removesuffix('/relay')}/stop", b"")


def main_of(page: str) -> str:
    return page.partition('<main id="run">')[2].partition("</main>")[0]


@pytest.fixture
def page(start: Start, profile: WriteProfile) -> Callable[..., tuple[Process, str]]:
    """Starts a run with its page, and returns the address of that."""

    def starter(*options: str | Path, seconds: int = 100, **more: str) -> tuple[Process, str]:
        command = ("-f", LOCUSTFILE, "--web-port", "0", "--relay-profile", profile(seconds=seconds))
        run = start("locust", *command, "--autostart", *options, **more)
        return run, url_of(run)

    return starter


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_is_shown_while_it_goes_on_and_after_it_as_its_report(
    page: Callable[..., tuple[Process, str]], tmp_path: Path, port: int, processes: int
) -> None:
    _, url = page(*workers(processes, port), "--relay-out", tmp_path / "run")
    wait_for(lambda: "<figure" in asked(url))
    wait_for(lambda: f"<dt>workers</dt><dd>{processes}</dd>" in asked(url))
    assert "running · " in asked(url)
    stop(url)
    wait_for(lambda: "exit code 4" in asked(url))
    assert main_of(asked(url)) == main_of((tmp_path / "run" / "report.html").read_text())
    for name in ("summary.json", "verdict.json"):
        assert asked(f"{url}/{name}") == json.loads((tmp_path / "run" / name).read_text())


def test_sections_come_zipped_and_only_if_there_is_something_new(
    page: Callable[..., tuple[Process, str]], tmp_path: Path
) -> None:
    _, url = page("--relay-out", tmp_path / "run", seconds=1)
    wait_for(lambda: "exit code 0" in asked(url))
    with urlopen(Request(f"{url}/sections", headers={"Accept-Encoding": "gzip"}), timeout=PATIENCE_S) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        sections, tag = gzip.decompress(answer.read()).decode(), answer.headers["ETag"]
    assert sections == asked(f"{url}/sections")
    assert "<style>" not in sections
    assert main_of(sections) == main_of(asked(url))
    with pytest.raises(HTTPError, match="304"):
        asked(f"{url}/sections", headers={"If-None-Match": tag})


def test_a_renderer_that_dies_harms_no_run(page: Callable[..., tuple[Process, str]], tmp_path: Path) -> None:
    run, url = page("--relay-out", tmp_path / "run")
    wait_for(lambda: "<figure" in asked(url))
    (renderer,) = renderers(run.popen.pid)
    os.kill(renderer, signal.SIGKILL)
    wait_for(lambda: "has ended; the run goes on without the page" in run.output)
    for path in ("", "/sections"):
        with pytest.raises(HTTPError, match="503") as refused:
            asked(f"{url}{path}")
        with refused.value as answer:
            assert b"the process that renders this page has ended" in answer.read()
    stop(url)
    wait_for(lambda: (tmp_path / "run" / "verdict.json").exists())
    assert saved(tmp_path / "run", "verdict.json")["verdict"] == "INCONCLUSIVE"
    assert run.popen.poll() is None


def test_the_next_run_has_its_page_again(page: Callable[..., tuple[Process, str]]) -> None:
    run, url = page(seconds=1)
    wait_for(lambda: "exit code 0" in asked(url))
    (renderer,) = renderers(run.popen.pid)
    os.kill(renderer, signal.SIGKILL)
    wait_for(lambda: "goes on without the page" in run.output)
    assert asked(f"{url.removesuffix('/relay')}/swarm", b"user_count=1&spawn_rate=1")["success"]
    wait_for(lambda: renderers(run.popen.pid))
    wait_for(lambda: "exit code 0" in asked(url))


def test_the_renderer_ends_with_a_master_that_is_killed(page: Callable[..., tuple[Process, str]]) -> None:
    run, url = page()
    asked(url)
    (renderer,) = renderers(run.popen.pid)
    run.signal(signal.SIGKILL)
    wait_for(lambda: gone(renderer))


@pytest.mark.parametrize("options", [("--autoquit", "0"), ("--autoquit", "1")])
def test_a_page_that_hangs_does_not_delay_the_end(
    page: Callable[..., tuple[Process, str]], options: tuple[str, ...]
) -> None:
    run, url = page(*options, seconds=1)
    place = urlsplit(url)
    assert place.hostname is not None
    assert place.port is not None
    with (
        socket.create_connection((place.hostname, place.port)) as half,
        socket.create_connection((place.hostname, place.port)) as unread,
    ):
        half.sendall(b"GET /relay HTTP/1.1\r\nHost: x\r\n")
        unread.sendall(b"GET /relay HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        (renderer,) = renderers(run.popen.pid)
        os.kill(renderer, signal.SIGSTOP)  # whoever looks now waits
        unread.sendall(b"GET /relay/sections HTTP/1.1\r\nHost: x\r\n\r\n")
        assert run.wait() == 0, run.output
        wait_for(lambda: gone(renderer))


class _Stays(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def test_the_page_is_behind_locusts_login_and_its_base_path(
    start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(
        "from locust import events\n"
        "from flask_login import UserMixin\n"
        "@events.init.add_listener\n"
        "def fit(environment, **_):\n"
        "    environment.web_ui.app.config['SECRET_KEY'] = 'x'\n"
        "    environment.web_ui.login_manager.user_loader(lambda _: None)\n"
    )
    files = f"{LOCUSTFILE},{tmp_path / 'own.py'}"
    options = ("--web-port", "0", "--web-login", "--web-base-path", "/load", "--relay-profile", profile())
    url = url_of(start("locust", "-f", files, *options))
    assert url.endswith("/load/relay")
    for path in ("", "/sections", "/summary.json", "/report.html"):
        with pytest.raises(HTTPError, match="302") as refused:
            build_opener(_Stays).open(f"{url}{path}", timeout=PATIENCE_S)
        with refused.value as answer:
            assert answer.headers["Location"].startswith("/load/login")


def test_relayload_run_shows_its_page_and_ends_as_without(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    run = start("relayload", "run", profile(seconds=3), "--web", "--out", tmp_path / "run")
    assert url_of(run).startswith("http://127.0.0.1:")
    assert run.wait() == 0, run.output
    assert run.output.count(SAID) == 1


def test_a_page_that_ends_with_its_run_offers_no_other(page: Callable[..., tuple[Process, str]]) -> None:
    run, url = page("--autoquit", "600", seconds=2)
    token = asked(url).partition('name="token" value="')[2].partition('"')[0]
    told = "Locust quits after this run and starts no other: leave out --autoquit"
    wait_for(lambda: "exit code 0" in asked(url))
    wait_for(lambda: asked(f"{url.removesuffix('/relay')}/stats/requests")["state"] == "stopped")
    for place in (url, f"{url}/control"):
        forms = asked(place)
        assert "<button>Start" not in forms
        assert told in forms
    with pytest.raises(HTTPError, match="409") as refused:
        asked(f"{url}/start", f"token={token}".encode())
    assert refused.value.read().decode() == f"not started: {told}\n"
    locusts = asked(f"{url.removesuffix('/relay')}/swarm", b"user_count=1&spawn_rate=1")
    assert (locusts["success"], locusts["message"]) == (False, f"Nothing was started: {told}")
    run.signal(signal.SIGTERM)
    run.wait()


def test_a_page_that_stays_leaves_the_verdict_to_stand(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    failing = ("--set", "objectives.1=ttft.p50 < 1ms")
    run = start("relayload", "run", profile(), *failing, "--web", "--web-stay", "--out", tmp_path / "run")
    url = url_of(run)
    wait_for(lambda: "page stays until Ctrl-C" in run.output)
    wait_for(lambda: "exit code 3" in asked(url))
    run.signal(signal.SIGINT)
    assert run.wait() == 3, run.output


def test_runs_that_the_page_starts_are_recorded_beside_the_first(
    start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    failing = ("--set", "objectives.1=ttft.p50 < 1ms")
    options = ("--web", "--web-stay", "--web-profiles", shelf, "--out", tmp_path / "run")
    profile(seconds=1).rename(shelf / "other.yaml")
    run = start("relayload", "run", profile(seconds=1), *failing, *options)
    url = url_of(run)
    wait_for(lambda: "exit code 3" in asked(url))
    forms = asked(f"{url}?profile=other.yaml")
    assert '<option value="other.yaml" selected' in forms or "<option selected>other.yaml" in forms
    token = forms.partition('name="token" value="')[2].partition('"')[0]
    asked(f"{url}/start", f"token={token}&profile=other.yaml".encode())
    wait_for(lambda: "exit code 0" in asked(url))
    assert saved(tmp_path / "run-2", "verdict.json")["verdict"] == "PASS"
    run.signal(signal.SIGINT)
    assert run.wait() == 3, run.output


def test_a_signal_during_a_run_with_a_page_is_an_interruption(
    start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    run = start("relayload", "run", profile(seconds=100), "--web", "--web-stay", "--out", tmp_path / "run")
    url = url_of(run)
    wait_for(lambda: "<figure" in asked(url))
    run.signal(signal.SIGINT)
    assert run.wait() == 130, run.output


def test_a_port_that_is_taken_ends_the_run_before_anything_is_sent(
    start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = start("relayload", "run", profile(), "--web", "--web-port", str(port), "--out", tmp_path / "run")
        assert run.wait() == 2, run.output
    told = f"the page can't be served on 127.0.0.1 port {port}: Address already in use"
    assert run.output == f"{told}; name another, or port 0 for any free one\n"
    assert not (tmp_path / "run").exists()


def test_a_target_that_is_not_there_ends_a_run_with_a_page_too(start: Start, profile: WriteProfile) -> None:
    run = start("relayload", "run", profile(), "--web", "--set", "target.base_url=http://127.0.0.1:1/v1")
    assert run.wait() == 6, run.output


@pytest.mark.parametrize(
    "options",
    [("--web-port", "0"), ("--web-stay",), ("--web", "--web-stay", "--repeat", "2"), ("--web", "--web-profiles", ".")],
)
def test_options_that_make_no_sense_are_refused(start: Start, profile: WriteProfile, options: tuple[str, ...]) -> None:
    run = start("relayload", "run", profile(), *options)
    assert run.wait() == 2
    assert "--web" in run.output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("options", [("--web-port", "0", "--autostart"), ("--web-port", "0"), ("--headless",)])
def test_a_signal_while_locust_still_starts_ends_it(
    start: Start, profile: WriteProfile, tmp_path: Path, options: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    (tmp_path / "own.py").write_text(
        "from locust import events\n"
        "import gevent, pathlib\n"
        "@events.init.add_listener\n"
        "def take_long(environment, **_):\n"
        "    pathlib.Path('starts').touch()\n"
        "    gevent.sleep(600)\n"
    )
    files = f"{LOCUSTFILE},{tmp_path / 'own.py'}"
    run = start("locust", "-f", files, *options, "--relay-profile", profile(), "--relay-out", tmp_path / "run")
    wait_for((tmp_path / "starts").exists)
    run.signal(number)
    assert run.wait() == code, run.output
    assert "Traceback" not in run.output
    assert not (tmp_path / "run").exists()
