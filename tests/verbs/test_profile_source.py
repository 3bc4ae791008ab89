import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from support import Start, saved

from relayload.cli import main
from relayload.fakerelay.process import FakeRelay
from relayload.verbs.examples import examples
from relayload.verbs.profile_source import in_options

QUICK = ["--url", "fake://o-series", "--model", "o3", "--rate", "20/s", "--for", "1m"]
HERE = ("--url", "http://127.0.0.1:8600/v1")
ELSEWHERE = ["--url", "https://relay.example.com/v1", "--model", "o3", "--rate", "5/s", "--for", "1m"]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_check_needs_no_file():
    done = invoke("check", *QUICK, "--objective", "ttft.p99 < 800ms")
    assert done.exit_code == 0, done.stderr
    assert "o3 · open load · valid, nothing was contacted" in done.output
    assert re.search(r"ttft.p99 < 800ms +1,204 +100 +299", done.output)


def test_a_variable_that_is_not_set_is_told_as_the_option_can_mend_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOPE", raising=False)
    done = invoke("check", *QUICK, "--api-key-env", "NOPE")
    assert (done.exit_code, done.stderr) == (
        2,
        "--api-key-env: target.api_key: the environment variable NOPE is not set: set it, or name another with "
        "--api-key-env\n",
    )


def test_the_profile_is_printed_and_can_be_checked(tmp_path: Path):
    printed = invoke("run", *QUICK, "--objective", "ttft.p99 < 800ms", "--set", "seed=9", "--print-profile")
    assert printed.exit_code == 0
    assert yaml.safe_load(printed.stdout)["seed"] == 9
    (tmp_path / "p.yaml").write_text(printed.stdout)
    assert invoke("check", str(tmp_path / "p.yaml")).exit_code == 0


@pytest.mark.parametrize(
    ("key", "more", "warns"),
    [
        ("", HERE, True),
        ("sk-x", HERE, False),
        ("", (*HERE, "--api-key-env", "MINE"), False),
        ("", (), False),
    ],
)
def test_a_key_that_is_not_set_is_warned_of_unless_the_relay_is_a_fake_one(
    key: str, more: tuple[str, ...], warns: bool
):
    done = CliRunner(env={"OPENAI_API_KEY": key, "MINE": "k"}).invoke(main, ["check", *QUICK, *more])
    assert (done.exit_code, "warning: OPENAI_API_KEY is not set" in done.stderr) == (0, warns)


def test_a_run_without_a_file_names_options_where_it_has_no_target():
    said = "relayload: target http://a/v1 rejected the key. Check target.api_key\nwrite target.base_url: http://a/v1\n"
    assert (
        in_options(said)
        == "relayload: target http://a/v1 rejected the key. Check --api-key-env\nwrite --url http://a/v1\n"
    )


def test_a_profile_with_faults_is_printed_to_be_mended():
    printed = invoke("check", *ELSEWHERE, "--print-profile")
    assert printed.exit_code == 2
    assert yaml.safe_load(printed.stdout)["target"]["base_url"] == "https://relay.example.com/v1"
    assert printed.stderr.startswith("--url: target.base_url: 'relay.example.com' is not this machine")


def test_a_key_that_was_written_as_an_argument_is_not_printed():
    printed = invoke("run", *QUICK, "--header", "X-Api-Key: sk-very-secret", "--print-profile")
    assert printed.exit_code == 2
    assert printed.stdout == ""
    assert "sk-very-secret" not in printed.stderr


@pytest.mark.parametrize(
    ("more", "remedy"),
    [
        (
            [],
            "'relay.example.com' is not this machine; to send load there, write --allow-host relay.example.com "
            "--max-requests 20000 --max-usd 5 --prices 2/8 (dollars per million tokens in and out)",
        ),
        (
            ["--allow-host", "relay.example.com"],
            "load for 'relay.example.com' needs bounds: write --max-requests 20000 --max-usd 5 --prices 2/8 "
            "(dollars per million tokens in and out)",
        ),
        (
            ["--allow-host", "relay.example.com", "--max-requests", "9", "--max-usd", "1"],
            "none for 'o3', so max_usd could not be kept: write --prices LIST, or dollars per million tokens in and "
            "out, such as --prices 2/8",
        ),
    ],
)
def test_guardrails_hold_and_the_fault_says_which_options_to_write(more: list[str], remedy: str):
    done = invoke("check", *ELSEWHERE, *more)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.endswith(remedy)


def test_a_target_elsewhere_may_be_asked_once_it_is_named_and_bounded():
    bounds = ["--allow-host", "relay.example.com", "--max-requests", "2000", "--max-usd", "5", "--prices", "2/8"]
    assert invoke("check", *ELSEWHERE, *bounds, "--max-tokens", "100").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["mine.yaml", "--url", "http://127.0.0.1/v1"],
            "PROFILE (mine.yaml) and --url are two ways to say what to send: leave out one; to send a profile "
            "somewhere else, write --set target.base_url=http://127.0.0.1/v1",
        ),
        (["mine.yaml", "--rate", "5/s"], "--rate goes with --url; for a PROFILE write --set load.stages.0.rate=…"),
        (["mine.yaml", "--no-stream"], "--stream goes with --url; for a PROFILE write --set scenarios.NAME.stream=…"),
        (["mine.yaml", "--print-profile"], "--print-profile goes with --url; a PROFILE is its own text"),
        ([], "missing PROFILE: name a file, or write --url URL --model NAME --rate 5/s --for 1m"),
        (
            ["--for", "1m"],
            "missing PROFILE (--url goes with --for): name a file, or write --url URL --model NAME --rate 5/s --for 1m",
        ),
        (
            ["--url", "fake://o-series"],
            "--url needs more: write --model o3, --for 1m, --rate 5/s (or --users 8)",
        ),
        ([*QUICK, "--users", "3"], "--rate and --users are two kinds of load: leave out one"),
    ],
)
@pytest.mark.parametrize("verb", ["run", "check"])
def test_two_ways_to_name_a_profile_are_not_mixed(verb: str, arguments: list[str], error: str):
    done = invoke(verb, *arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {error}"


@pytest.mark.parametrize("verb", ["run", "check", "doctor"])
def test_every_example_of_a_url_is_taken(verb: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RELAY_KEY", "sk-test")
    shown = [shlex.split(each)[2:] for each in examples(verb) if "--url" in each]
    assert shown
    for arguments in shown:
        bounds = ["--max-requests", "9", "--max-usd", "1", "--prices", "2/8"] if "--allow-host" in arguments else []
        with_load = [] if "--for" in arguments else ["--rate", "1/s", "--for", "1m"]
        wanted = [each for each in arguments if each != "--print-profile"]
        done = invoke("check", *wanted, *bounds, *with_load)
        assert done.exit_code == 0, done.stderr


def test_a_run_without_a_file_is_recorded_and_judged_like_any_other(
    start: Start, relay: FakeRelay, tmp_path: Path
) -> None:
    (tmp_path / "prompts.txt").write_text("Say hi.\nSay ho.\n")
    quick = ["--model", "o3", "--rate", "20/s", "--for", "2s", "--max-tokens", "5", "--prompt", "prompts.txt"]
    unhurried = ["--set", "generator={late: 10s, late_share: 100%, loop_lag: 10s}"]
    goal = ["--objective", "errors.rate < 50%", "--api-key-env", "MY_KEY"]
    out = tmp_path / "run"
    run = start("relayload", "run", "--url", relay.base_url, *quick, *goal, *unhurried, "--out", out, MY_KEY="sk-fake")
    assert run.wait() == 0, run.output
    assert saved(out, "verdict.json")["verdict"] == "PASS"
    assert "sk-fake" not in (out / "one-liner.yaml").read_text()
    again = start("relayload", "check", out / "one-liner.yaml", MY_KEY="sk-fake")
    assert again.wait() == 0, again.output


def test_a_doctor_asks_without_a_load_to_be_told(start: Start, relay: FakeRelay) -> None:
    doctor = start("relayload", "doctor", "--url", relay.base_url, "--model", "o3", OPENAI_API_KEY="")
    assert doctor.wait() == 0, doctor.output
    assert "healthy" in doctor.output
