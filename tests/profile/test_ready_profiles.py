"""Ready profiles by their names, from anywhere."""

import os
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.profile import load
from relayload.profile.ready_profiles import find, listed, locustfile, names

ROOT = Path(__file__).parents[2]
SPIKE = ROOT / "profiles" / "spike.yaml"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Nothing here is found because the tests run in the repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def missing(written: str, folder: Path = Path()) -> str:
    with pytest.raises(AuthorError) as raised:
        find(Path(written), folder)
    return str(raised.value)


def test_they_are_those_of_the_repository():
    assert names() == sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))
    assert locustfile() == ROOT / "locustfiles" / "relay.py"


def test_each_has_a_title_that_fits_beside_its_name_on_a_line_of_80():
    width = max(map(len, names()))
    for profile in listed():
        assert 20 < len(profile.title) <= 80 - width - 2, profile
        assert f"\n# {profile.title}\n#\n" in Path(profile.file).read_text(encoding="utf-8")


def test_each_tells_which_variables_it_needs():
    assert {profile.name: profile.needs for profile in listed() if profile.needs} == {
        "azure-code": ("AZURE_CODE_TRACE",),
        "azure-conversation": ("AZURE_TRACE",),
        "holysheep": ("HOLYSHEEP_API_KEY",),
        "mooncake": ("MOONCAKE_TRACE",),
        "openai": ("OPENAI_API_KEY",),
    }


@pytest.mark.parametrize("name", ["azure-code", "azure-conversation", "mooncake"])
def test_a_replay_tells_where_to_fetch_its_trace(name):
    with pytest.raises(
        AuthorError, match=r"_TRACE is not set: fetch \w+\.\w+ from https://github\.com/\S+/\S+, and set"
    ):
        load(Path(name), environ={})


@pytest.mark.parametrize("name", names())
def test_each_is_found_by_its_name(name, shipped_environ):
    assert load(Path(name), environ=shipped_environ).name == name


@pytest.mark.parametrize("name", ["spike", "spike.yaml", "spike.yml"])
def test_a_file_of_that_name_goes_first(elsewhere, name):
    assert find(Path("spike")) == SPIKE
    (elsewhere / name).write_text("mine")
    assert find(Path("spike")) == Path(name)


def test_a_folder_of_that_name_is_no_profile(elsewhere):
    (elsewhere / "spike").mkdir()
    assert find(Path("spike")) == SPIKE


def test_any_other_file_and_pipe_is_taken_as_it_is_written(elsewhere):
    (elsewhere / "mine").write_text("")
    (elsewhere / "folder").mkdir()
    os.mkfifo(elsewhere / "folder" / "pipe")
    for written in ("mine", "folder/pipe", "folder"):
        assert find(Path(written)) == Path(written)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("spkie", "; did you mean the ready profile 'spike'?"),
        ("profiles/spike.yaml", "; did you mean the ready profile 'spike'?"),
        ("spike.yaml", "; did you mean the ready profile 'spike'?"),
        ("nighty.yaml", "; did you mean 'nightly.yml'?"),
        ("x", "; `relayload profiles` lists the ready ones, `relayload init` writes one"),
        ("nightly.yml/x.yaml", "; `relayload profiles` lists the ready ones, `relayload init` writes one"),
    ],
)
def test_a_missing_file_is_answered_with_what_may_have_been_meant(elsewhere, written, told):
    (elsewhere / "nightly.yml").write_text("")
    assert missing(written) == f"{written}: cannot be read: No such file or directory{told}"


def test_a_profile_of_ones_own_may_build_on_a_ready_one_by_its_name(elsewhere):
    (elsewhere / "mine.yaml").write_text("extends: [spike, more]\nname: mine\n")
    (elsewhere / "more.yaml").write_text("seed: 99\n")
    profile = load(Path("mine.yaml"))
    assert (profile.name, profile.seed, profile.scenarios) == ("mine", 99, load(Path("spike")).scenarios)


def test_a_base_that_is_missing_is_answered_likewise(elsewhere):
    (elsewhere / "mine.yaml").write_text("extends: spkie\nname: mine\n")
    with pytest.raises(
        AuthorError, match=r"^mine.yaml:1:10: extends: spkie: cannot be .* the ready profile 'spike'\?$"
    ):
        load(Path("mine.yaml"))


def test_relative_paths_of_a_base_that_was_found_by_its_name_start_from_it(elsewhere, monkeypatch):
    ready = elsewhere / "ready"
    (ready / "profiles").mkdir(parents=True)
    (ready / "profiles" / "base.yaml").write_text(
        "load: {kind: open, stages: [{for: 1s, rate: 5/s}]}\nscenarios: {a: {model: o3, prompt: {file: texts.txt}}}\n"
    )
    (ready / "profiles" / "texts.txt").write_text("hello")
    monkeypatch.setattr("relayload.profile.ready_profiles._IN_A_WHEEL", ready)
    (elsewhere / "mine.yaml").write_text("extends: base\nname: mine\n")
    assert load(Path("mine.yaml")).effective["scenarios"]["a"]["prompt"]["file"] == str(
        ready / "profiles" / "texts.txt"
    )
