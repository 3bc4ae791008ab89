import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from relayload import __version__
from relayload.cli import main
from relayload.verbs.examples import VERBS as ALL
from relayload.verbs.examples import epilog, examples
from relayload.verbs.suggestions import suggested_verb

VERBS = ["check", "compare", "export", "fake-relay", "gate", "merge", "report", "run"]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("chekc", ": did you mean 'relayload check'?"),
        ("RUN", ": did you mean 'relayload run'?"),
        ("validate", ": did you mean 'relayload check'?"),
        ("bench", ": did you mean 'relayload run'?"),
        ("compress", ": did you mean 'relayload merge --compress'?"),
        ("mock", ": did you mean 'relayload fake-relay'?"),
        ("otava", ": did you mean 'relayload export otava'?"),
        ("hlep", ": did you mean 'relayload help'?"),
        ("mine.yaml", ": did you mean 'relayload run mine.yaml'?"),
        (
            "http://127.0.0.1/v1",
            ": did you mean 'relayload run --url http://127.0.0.1/v1 --model MODEL --rate 5/s --for 1m'?",
        ),
        ("zzz", ": expected one of check, compare, export, fake-relay, gate, merge, report, run"),
        ("ping", ": expected one of check, compare, export, fake-relay, gate, merge, report, run"),
    ],
)
def test_the_verb_that_was_meant_is_told(word: str, expected: str):
    assert suggested_verb(word, VERBS, ["help", "version"]) == expected


def test_a_profile_by_any_name_is_one_to_run(tmp_path: Path):
    (tmp_path / "profile").write_text("name: x\n")
    assert suggested_verb(str(tmp_path / "profile"), VERBS) == f": did you mean 'relayload run {tmp_path / 'profile'}'?"


def test_a_word_that_is_no_verb_is_exit_2():
    done = invoke("chekc", "mine.yaml")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == "Error: there is no verb 'chekc': did you mean 'relayload check'?"


@pytest.mark.parametrize("arguments", [["version"], ["--version"], ["-V"]])
def test_the_version_is_told_however_one_asks(arguments: list[str]):
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout) == (0, f"relayload, version {__version__}\n")


def test_help_on_a_verb_is_the_help_of_the_verb():
    asked, shown = invoke("help", "gate"), invoke("gate", "--help")
    assert (asked.exit_code, asked.stdout) == (0, shown.stdout)
    assert "Commands:" in invoke("help").stdout


@pytest.mark.parametrize(("old", "new"), [("relay", "fake-relay"), ("history", "export otava")])
def test_a_verb_by_its_old_name_does_the_same_and_tells_the_new_one(old: str, new: str):
    asked, shown = invoke(old, "--help"), invoke(*new.split(), "--help")
    told = f"warning: 'relayload {old}' is now 'relayload {new}': the next version drops the old name\n"
    assert (asked.exit_code, asked.stdout, asked.stderr) == (0, shown.stdout, told)
    assert not re.search(rf"^ +{old}\b", invoke("--help").stdout, re.MULTILINE)
    assert invoke("help", old).stdout == shown.stdout


def test_the_shell_completes_options_of_an_old_name_and_hears_of_no_new_one():
    words = {"_RELAYLOAD_COMPLETE": "bash_complete", "COMP_WORDS": "relayload history --", "COMP_CWORD": "2"}
    done = CliRunner(env=words).invoke(main, prog_name="relayload")
    assert "--print-config" in done.stdout
    assert "--otava" not in done.stdout
    assert done.stderr == ""


def test_an_option_that_is_none_is_told_with_the_nearest():
    assert "--out" in invoke("run", "mine.yaml", "--owt", "x").stderr


@pytest.mark.parametrize(
    ("verb", "word", "meant"),
    [
        ("run", "--duration", "--for"),
        ("check", "-d", "--for"),
        ("calibrate", "--duration", "--seconds"),
        ("run", "--vus", "--users"),
        ("run", "--concurrency", "--users"),
        ("run", "-u", "--users"),
        ("run", "-r", "--rate"),
        ("run", "--qps", "--rate"),
        ("run", "--rps", "--rate"),
        ("run", "-n", "--max-requests"),
        ("run", "--requests", "--max-requests"),
        ("run", "--key", "--api-key-env"),
        ("run", "--token", "--api-key-env"),
        ("fake-relay", "--api-key", "--key"),
        ("run", "--base-url", "--url"),
        ("merge", "-o", "--out"),
    ],
)
def test_the_option_that_other_tools_call_otherwise_is_told(verb: str, word: str, meant: str):
    done = invoke(verb, word, "1")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"Error: there is no option '{word}': did you mean '{meant}'?"


@pytest.mark.parametrize("verb", ALL)
def test_the_help_of_a_verb_ends_with_examples_and_exit_codes(verb: str):
    shown = invoke(*verb.split(), "--help").stdout
    assert f"\n    relayload {verb}" in shown.partition("Examples:")[2]
    assert "Exit codes: 0 " in " ".join(shown.split())
    assert all(len(line) <= 80 for line in shown.splitlines())


@pytest.mark.parametrize("verb", ALL)
def test_every_option_of_an_example_is_one(verb: str):
    for example in examples(verb):
        words = example.split()[1:]
        command: click.Command | None = main
        while isinstance(command, click.Group):
            command = command.get_command(click.Context(command), words.pop(0))
        assert command is not None
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)}
        assert [word for word in words if word.startswith("--") and word not in known] == []


def test_a_verb_without_an_end_has_none():
    assert epilog("nothing") is None
