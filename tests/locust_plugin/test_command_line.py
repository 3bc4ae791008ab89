"""Where a profile may be named to Locust, and what is refused before anything is sent."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support import LOCUSTFILE, Process, Start, saved, wait_for

WriteProfile = Callable[..., Path]
HEADLESS = ("--headless", "--only-summary")


def refusal(process: Process) -> str:
    """What a process wrote that did not begin."""
    assert process.wait() == 2, process.output
    assert "recording to" not in process.output
    return process.output


@pytest.mark.parametrize(
    "arguments",
    [("--headless",), ("--headless", "--processes", "2"), ("--headless", "--master"), ("--autostart",)],
)
def test_load_that_starts_by_itself_needs_a_profile(start: Start, arguments: tuple[str, ...]) -> None:
    told = refusal(start("locust", "-f", LOCUSTFILE, *arguments))
    assert told.startswith("relayload: no profile is named: write --relay-profile FILE")
    assert "--relay-profile quickstart" in told


@pytest.mark.parametrize("variable", ["LOCUST_HEADLESS", "LOCUST_AUTOSTART"])
def test_so_does_load_that_the_environment_starts(start: Start, variable: str) -> None:
    assert "no profile is named" in refusal(start("locust", "-f", LOCUSTFILE, **{variable: "true"}))


def test_so_does_load_that_a_config_file_starts(start: Start, tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text(f"locustfile = {LOCUSTFILE}\nheadless = true\n")
    assert "no profile is named" in refusal(start("locust"))


def test_a_worker_runs_no_locustfile_that_it_is_sent(
    locust: Start, start: Start, profile: WriteProfile, port: int
) -> None:
    locust("--relay-profile", profile(), "--master", "--expect-workers", "2", "--master-bind-port", port)
    told = refusal(start("locust", "-f", "-", "--worker", "--master-port", port))
    assert told.startswith("relayload: a worker runs no locustfile that it is sent: install relayload on its host")


def test_a_worker_that_waits_for_its_master_ends_with_ctrl_c(start: Start, port: int) -> None:
    worker = start("locust", "-f", LOCUSTFILE, "--worker", "--master-port", port)
    wait_for(lambda: "waiting for the master" in worker.output)
    worker.signal(signal.SIGINT)
    assert worker.wait() == 130
    assert "Traceback" not in worker.output


def test_a_worker_sets_nothing_in_the_profile_of_its_master(start: Start) -> None:
    told = refusal(start("locust", "-f", LOCUSTFILE, "--worker", "--relay-set", "seed=4"))
    assert told.startswith("relayload: --relay-set needs --relay-profile: without one, a worker takes the profile")


@pytest.mark.parametrize("mode", [(), HEADLESS])
def test_locusts_own_label_is_no_profile(start: Start, profile: WriteProfile, mode: tuple[str, ...]) -> None:
    told = refusal(start("locust", "-f", LOCUSTFILE, "--profile", profile(), *mode))
    assert told == (
        f"relayload: --profile {profile()} only sets the label that Locust shows for the run: "
        f"write --relay-profile {profile()}\n"
    )


def test_a_label_that_would_be_another_profile_is_refused_beside_one(start: Start, profile: WriteProfile) -> None:
    told = refusal(start("locust", "-f", LOCUSTFILE, "--relay-profile", profile(), "--profile", "other.yml"))
    assert "write --relay-profile other.yml" in told


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"LOCUST_PROFILE": "mine.yaml"}, "LOCUST_PROFILE=mine.yaml only sets the label"),
        ({"LOCUST_RELAY_PROFIL": "a.yaml"}, "unknown variable; did you mean 'LOCUST_RELAY_PROFILE'?"),
        (
            {"LOCUST_RELAY_PROFILE": "a.yaml", "RELAYLOAD_PROFILE": "b.yaml"},
            "RELAYLOAD_PROFILE and LOCUST_RELAY_PROFILE differ: unset one of them",
        ),
    ],
)
def test_variables_that_nobody_would_read_are_refused(start: Start, variables: dict[str, str], told: str) -> None:
    assert told in refusal(start("locust", "-f", LOCUSTFILE, **variables))


def written(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("name", ["locust.conf", "pyproject.toml", "given.conf"])
def test_a_config_file_names_the_profile(start: Start, profile: WriteProfile, tmp_path: Path, name: str) -> None:
    options = {"locustfile": LOCUSTFILE, "relay-profile": profile(), "relay-out": tmp_path / "run"}
    lines = "".join(f'{option} = "{value}"\n' for option, value in options.items())
    text = (
        f'[tool.locust]\n{lines}relay-set = ["seed=9"]\n' if name.endswith(".toml") else f"{lines}relay-set = seed=9\n"
    )
    path = written(tmp_path, name, text.replace('"', "") if name.endswith(".conf") else text)
    given = ("--config", path) if name == "given.conf" else ()
    process = start("locust", *given, *HEADLESS)
    assert process.wait() == 0, process.output
    assert saved(tmp_path / "run", "run.json")["profile"]["name"] == "short"
    assert "seed: 9" in (tmp_path / "run" / "profile.yaml").read_text()


@pytest.mark.parametrize("prefix", ["RELAYLOAD_", "LOCUST_RELAY_"])
def test_the_environment_has_all_three_options(
    start: Start, profile: WriteProfile, tmp_path: Path, prefix: str
) -> None:
    values = {"PROFILE": str(profile()), "OUT": str(tmp_path / "run"), "SET": "seed=9"}
    variables = {f"{prefix}{option}": value for option, value in values.items()}
    process = start("locust", "-f", LOCUSTFILE, *HEADLESS, **variables)
    assert process.wait() == 0, process.output
    assert "seed: 9" in (tmp_path / "run" / "profile.yaml").read_text()


def test_the_command_line_goes_before_the_environment(start: Start, profile: WriteProfile, tmp_path: Path) -> None:
    arguments = ("--relay-profile", profile(), "--relay-ou", tmp_path / "run")
    process = start("locust", "-f", LOCUSTFILE, *HEADLESS, *arguments, RELAYLOAD_PROFILE="nosuch.yaml")
    assert process.wait() == 0, process.output
    assert saved(tmp_path / "run", "run.json")["profile"]["name"] == "short"


def test_the_quickstart_runs_where_it_is_asked_for(start: Start, tmp_path: Path) -> None:
    short = ("--relay-set", "load.stages=[{for: 1s, rate: 5/s}]", "--relay-set", "objectives=[errors.rate < 100%]")
    process = start("locust", "-f", LOCUSTFILE, *HEADLESS, "--relay-profile", "quickstart", *short)
    process.wait()
    assert "-quickstart" in process.output
    assert len(list(tmp_path.glob("runs/*-quickstart/verdict.json"))) == 1


def test_the_page_without_a_profile_says_that_it_is_the_quickstart(start: Start) -> None:
    process = start("locust", "-f", LOCUSTFILE, "--web-port", "0")
    wait_for(lambda: "Starting web interface" in process.output)
    wait_for(lambda: "no profile is named: this is the quickstart, against fake://o-series" in process.output)


def test_what_relayload_run_starts_reads_no_options_elsewhere(
    start: Start, profile: WriteProfile, tmp_path: Path
) -> None:
    (tmp_path / "locust.conf").write_text("relay-set = seed=9\nusers = 5\nrun-time = 1s\n")
    out = tmp_path / "run"
    process = start("relayload", "run", profile(), "--out", out, RELAYLOAD_SET="seed=8", LOCUST_RUN_TIME="1s")
    assert process.wait() == 0, process.output
    assert saved(out, "run.json")["ended_by"] == "schedule"
    assert "seed: 3" in (out / "profile.yaml").read_text()


def test_a_number_of_users_is_answered_in_an_open_load(start: Start, profile: WriteProfile) -> None:
    process = start("locust", "-f", LOCUSTFILE, *HEADLESS, "--relay-profile", profile(), "-u", "10")
    assert process.wait() == 0, process.output
    assert "--users and --spawn-rate have no effect: the profile's load says how much is sent" in process.output
