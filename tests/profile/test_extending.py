"""Profiles that build on others, as a whole; how documents merge is told in tests/document/test_extends.py."""

import pytest

from relayload.core.errors import AuthorError
from relayload.profile import load

BASE = """\
name: base
target: {base_url: "http://127.0.0.1:9/v1", api_key: "${file:key}", headers: {X-Team: load}}
load:
  kind: open
  max_in_flight: 50
  stages:
    - {for: 10s, rate: 5/s}
scenarios:
  simple: {model: o3, prompt: simple}
  told: {model: o3, prompt: {file: prompts.txt}}
client: {timeout: {total: 60s}}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "base.yaml").write_text(BASE)
    (tmp_path / "lib" / "key").write_text("sk-of-the-base")
    (tmp_path / "lib" / "prompts.txt").write_text("Why?\n")
    return tmp_path


def extending(folder, text, *sets):
    path = folder / "top.yaml"
    path.write_text(f"extends: lib/base.yaml\n{text}")
    return load(path, sets, {})


def faults(folder, text, *sets):
    with pytest.raises(AuthorError) as caught:
        extending(folder, text, *sets)
    return [str(fault).replace(f"{folder}/", "") for fault in caught.value.faults]


def test_a_profile_says_only_what_differs_from_its_base(folder):
    profile = extending(folder, "name: top\nscenarios: {simple: {weight: 3}}\n")
    assert profile.name == "top"
    assert [scenario.weight for scenario in profile.scenarios.values()] == [3, 1]
    assert profile.load.max_in_flight == 50
    assert profile.scenarios["told"].prompt.content == ("Why?",)
    assert profile.target.api_key.reveal() == "sk-of-the-base"


def test_a_null_takes_away_what_does_not_fit_another_kind_of_load(folder):
    profile = extending(
        folder, "load: {kind: closed, users: 3, max_in_flight: null, stages: [{for: 5s}]}\nscenarios: {told: null}\n"
    )
    assert profile.load.kind == "closed"
    assert list(profile.scenarios) == ["simple"]


def test_a_null_stands_where_it_says_something(folder):
    assert extending(folder, "client: {timeout: {total: null}}").timeouts.total_s is None


def test_single_values_are_set_in_what_was_merged(folder):
    profile = extending(folder, "", "load.stages.0.rate=7/s", "scenarios.simple.weight=2")
    assert profile.load.stages[0].rate_per_s == 7
    assert profile.scenarios["simple"].weight == 2


def test_the_effective_profile_is_the_merged_one_without_its_secrets(folder):
    profile = extending(folder, "name: top\n", "seed=5")
    assert list(profile.effective) == ["name", "target", "load", "scenarios", "client", "seed"]
    assert profile.effective["name"] == "top"
    assert profile.effective["target"]["api_key"] == "***"
    assert profile.effective["target"]["headers"] == {"X-Team": "load"}
    assert "sk-of-the-base" not in str(profile.effective)


def test_the_hash_is_that_of_the_same_profile_in_one_piece(folder):
    whole = folder / "lib" / "whole.yaml"
    merged = extending(folder, "scenarios: {told: null}\n")
    whole.write_text(BASE.replace("  told: {model: o3, prompt: {file: prompts.txt}}\n", ""))
    assert merged.sha256 == load(whole, environ={}).sha256
    assert merged.sha256 != extending(folder, "scenarios: {told: null}\nseed: 1\n").sha256


def test_faults_name_the_file_in_which_they_are(folder):
    base = folder / "lib" / "base.yaml"
    base.write_text(BASE.replace("rate: 5/s", "rate: 20rps").replace("max_in_flight", "max_in_flght"))
    told = faults(folder, "scenarios:\n  simple: {wieght: 3}\n  new: {prompt: simple}\n")
    assert told == [
        "lib/base.yaml:5:3: load.max_in_flght: unknown key; did you mean 'max_in_flight'?",
        "lib/base.yaml:7:24: load.stages.0.rate: expected a rate such as '5/s' or '300/min', got '20rps'",
        "top.yaml:3:12: scenarios.simple.wieght: unknown key; did you mean 'weight'?",
        "top.yaml:4:3: scenarios.new.model: is required",
    ]


def test_a_file_that_a_base_names_is_told_where_the_base_names_it(folder):
    (folder / "lib" / "prompts.txt").unlink()
    (told,) = faults(folder, "name: top")
    assert told == (
        "lib/base.yaml:10:36: scenarios.told.prompt.file: lib/prompts.txt: cannot be read: No such file or directory"
    )


@pytest.mark.parametrize(
    ("written", "usd"), [("ours.yaml", 3), ("holysheep", 2.1), ("{o3: {input: $7, output: $8}}", 7)]
)
def test_a_price_list_of_its_own_lies_beside_the_base_that_names_it(folder, written, usd):
    (folder / "lib" / "ours.yaml").write_text("models: {o3: {input: $3, output: $4}}\n")
    (folder / "lib" / "base.yaml").write_text(BASE.replace("headers:", f"prices: {written}, headers:"))
    assert float(extending(folder, "name: top").target.known_prices["o3"].input) == usd


def test_what_is_extended_can_not_be_set(folder):
    assert faults(folder, "", "extends=other.yaml") == ["--set: extends: can't be set: write it in the file"]


def test_a_misspelt_extends_is_an_unknown_key(folder):
    path = folder / "top.yaml"
    path.write_text("extend: lib/base.yaml\n" + BASE)
    with pytest.raises(AuthorError, match=r"top.yaml:1:1: extend: unknown key; did you mean 'extends'\?"):
        load(path, (), {})
