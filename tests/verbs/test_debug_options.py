from collections.abc import Callable
from pathlib import Path

import pytest
from support import Start

from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.log_lines import Follower
from relayload.transport.http_log import COUNT_VARIABLE, FILE_VARIABLE
from relayload.verbs.debug_options import DebugOptions

WriteProfile = Callable[..., Path]
KEY = "sk-do-not-tell"


def test_a_file_is_read_on_line_by_line(tmp_path: Path):
    path = tmp_path / "log"
    follower = Follower(path)
    assert list(follower.lines()) == []
    path.write_text("one\ntwo\nth")
    assert list(follower.lines()) == ["one", "two"]
    assert list(follower.lines()) == []
    with path.open("a") as file:
        file.write("ree\n\nfour\n")
    assert list(follower.lines()) == ["three", "four"]


def test_steps_are_told_without_locusts_tables(tmp_path: Path):
    (tmp_path / "locust.log").write_text(
        "[2026-11-29 01:37:35,864] host/INFO/relayload: read p.yaml\n"
        "[2026-11-29 01:37:36,001] host/WARNING/relayload: workers changed\n"
        "[2026-11-29 01:37:36,001] host/INFO/locust.runners: Ramping to 1 users\n"
        "Type     Name   # reqs\n--------|------\n"
    )
    (steps,) = DebugOptions(verbose=True).followed(tmp_path, "locust.log")
    assert list(steps.lines()) == ["01:37:35 read p.yaml", "01:37:36 warning: workers changed"]


def test_a_run_is_told_to_write_down_exchanges_where_they_can_be_found(tmp_path: Path):
    assert DebugOptions().environ(tmp_path) == {}
    assert DebugOptions(http_count=3).environ(tmp_path) == {
        COUNT_VARIABLE: "3",
        FILE_VARIABLE: str(tmp_path / "http-debug.txt"),
    }
    elsewhere = DebugOptions(http_count=3, http_file=tmp_path / "x.txt")
    assert elsewhere.environ(tmp_path)[FILE_VARIABLE] == str(tmp_path / "x.txt")
    assert len(elsewhere.followed(tmp_path, "locust.log")) == 1  # the log alone


def test_of_the_log_users_are_told_what_answers_them(tmp_path: Path):
    (tmp_path / "locust.log").write_text(
        "[2026-11-30 01:37:35,123] host/INFO/relayload: recording to runs/x\n"
        "[2026-11-30 01:37:36,123] host/INFO/relayload: ending the load; what is in flight may take 30s\n"
        "[2026-11-30 01:37:37,123] host/INFO/locust.main: ending the load of somebody else\n"
    )
    (told,) = DebugOptions().followed(tmp_path, "locust.log")
    assert list(told.lines()) == ["ending the load; what is in flight may take 30s"]


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_a_run_can_be_watched(start: Start, profile: WriteProfile, tmp_path: Path, driver: str) -> None:
    with FakeRelay.start(api_key=KEY) as relay:
        path = profile(
            seconds=1, more=f"driver: {driver}\ntarget: {{base_url: '{relay.base_url}', api_key: '${{env:THE_KEY}}'}}\n"
        )
        run = start("relayload", "run", path, "-v", "--http-debug-count", "4", "--out", tmp_path / "run", THE_KEY=KEY)
        assert run.wait() == 0, run.output
    told = run.output
    assert "relayload: writing down the first 4 exchanges of each process: their times are not to be trusted" in told
    assert f" read {path}: 'short', a load of kind open, stages warm, steady" in told
    assert f" asking {relay.base_url} whether it can be load-tested" in told
    assert " the load begins\n" in told
    assert " verdict: PASS\n" in told
    assert "Response time percentiles" not in told
    assert told.count("--- exchange ") == 4
    assert "> GET /v1/models HTTP/1.1\n" in told
    assert "> POST /v1/chat/completions HTTP/1.1\n" in told
    assert KEY not in told
    assert not any(KEY in file.read_text() for file in (tmp_path / "run").iterdir())


@pytest.mark.parametrize("driver", ["native", "openai"])
def test_what_is_watched_has_none_of_several_keys(
    start: Start, profile: WriteProfile, tmp_path: Path, driver: str
) -> None:
    keys = {"KEY_A": KEY, "KEY_B": "tenant:b/do-not-tell"}
    with FakeRelay.start(api_key=" ".join(keys.values())) as relay:
        named = "keys: [{name: a, key: '${env:KEY_A}'}, {name: b, key: '${env:KEY_B}'}]"
        path = profile(seconds=1, more=f"driver: {driver}\ntarget: {{base_url: '{relay.base_url}', {named}}}\n")
        watched = "-v", "--http-debug-count", "40"
        run = start("relayload", "run", path, *watched, "--out", tmp_path / "run", **keys)
        doctor = start("relayload", "doctor", path, *watched, **keys)
        assert run.wait() == doctor.wait() == 0, run.output + doctor.output
    assert run.output.lower().count("authorization: ***") > 10
    for told in (run.output, doctor.output, *(file.read_text() for file in (tmp_path / "run").iterdir())):
        assert not any(key in told for key in keys.values())


def test_a_visit_can_be_watched(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    with FakeRelay.start(api_key=KEY) as relay:
        path = profile(more=f"target: {{base_url: '{relay.base_url}', api_key: '${{env:THE_KEY}}'}}\n")
        file = tmp_path / "deep" / "http.txt"
        doctor = start("relayload", "doctor", path, "-v", "--http-debug-file", file, THE_KEY=KEY)
        assert doctor.wait() == 0, doctor.output
    assert f"relayload: writing down the first 10 exchanges of each process to {file}" in doctor.output
    assert " asked the target GET /models: 200 in " in doctor.output
    written = file.read_text()
    assert "> POST /v1/chat/completions HTTP/1.1" in written
    assert KEY not in written + doctor.output


def test_a_file_that_can_not_be_written_to_is_exit_2(start: Start, profile: WriteProfile) -> None:
    doctor = start("relayload", "doctor", profile(), "--http-debug-file", "/proc/none/x.txt")
    assert doctor.wait() == 2
    assert doctor.output == "/proc/none/x.txt: can't be written: No such file or directory\n"
