import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from relayload import document
from relayload.core.errors import AuthorError
from relayload.profile import load
from relayload.profile.plan import plan
from relayload.profile.ready_profiles import names
from relayload.profile.schema import schema_text
from relayload.profile.starter import DEFAULT, SCHEMA_NAME, kinds, starter, write_starter

KEYS = {
    "fake": {},
    "openai": {"OPENAI_API_KEY": "sk-1"},
    "litellm": {"LITELLM_API_KEY": "sk-1"},
    "holysheep": {"HOLYSHEEP_API_KEY": "sk-1"},
    "vllm": {"VLLM_MODEL": "m"},
}


@pytest.mark.parametrize(("kind", "environ"), KEYS.items(), ids=list(KEYS))
def test_a_starter_is_a_profile_whose_plan_can_be_read(tmp_path, kind, environ):
    path = tmp_path / "p.yaml"
    write_starter(path, kind)
    profile = load(path, environ=environ)
    total = plan(profile).total
    assert total is not None
    assert total.arrivals > 0
    assert profile.objectives


@pytest.mark.parametrize("kind", KEYS)
def test_a_starter_names_the_schema_that_lies_beside_it_and_fits_it(tmp_path, kind):
    path = tmp_path / "p.yaml"
    assert write_starter(path, kind) == [path, tmp_path / SCHEMA_NAME]
    assert path.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA_NAME}\n")
    assert (tmp_path / SCHEMA_NAME).read_text() == schema_text()
    assert list(Draft202012Validator(json.loads(schema_text())).iter_errors(document.load(path).data)) == []


@pytest.mark.parametrize("kind", [kind for kind in KEYS if kind != DEFAULT])
def test_the_key_of_a_real_relay_is_never_in_the_file(kind):
    assert "api_key: ${env:" in starter(kind)


def test_holysheep_is_asked_at_its_own_address():
    assert "base_url: https://api.holysheep.ai/v1\n" in starter("holysheep")
    assert "allow_hosts: [api.holysheep.ai]" in starter("holysheep")


COPIED = sorted({*names()} - KEYS.keys())


@pytest.mark.parametrize("name", COPIED)
def test_the_copy_of_a_ready_profile_is_the_same_profile_and_works_alone(tmp_path, shipped_environ, name):
    path = tmp_path / "mine.yaml"
    assert write_starter(path, name) == [path, tmp_path / SCHEMA_NAME]
    assert load(path, environ=shipped_environ).effective == load(Path(name), environ=shipped_environ).effective
    assert path.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA_NAME}\n")


@pytest.mark.parametrize("name", kinds())
def test_the_commands_in_a_copy_run_the_copy(tmp_path, name):
    path = tmp_path / "a b.yaml"
    write_starter(path, name)
    commands = re.findall(r"relayload (?:run|check|doctor|capacity) (.+)", path.read_text())
    assert commands
    assert all(command.startswith(f"'{path}'") for command in commands)


def test_a_wrong_name_is_answered_with_the_right_one(tmp_path):
    with pytest.raises(AuthorError, match=r"^--from: there is no 'spkie' to begin with; did you mean 'spike'\?$"):
        write_starter(tmp_path / "p.yaml", "spkie")
    assert list(tmp_path.iterdir()) == []


def test_a_profile_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("mine")
    with pytest.raises(AuthorError, match=r"p.yaml: already exists"):
        write_starter(path)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_schema_of_an_earlier_version_is_replaced_and_a_stranger_is_not(tmp_path):
    beside = tmp_path / SCHEMA_NAME
    beside.write_text('{"title": "relayload profile", "old": true}')
    write_starter(tmp_path / "a.yaml")
    assert beside.read_text() == schema_text()
    beside.write_text("{}")
    assert write_starter(tmp_path / "b.yaml") == [tmp_path / "b.yaml"]
    assert beside.read_text() == "{}"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorError, match=r"can't be written"):
        write_starter(tmp_path / "file" / "p.yaml")
