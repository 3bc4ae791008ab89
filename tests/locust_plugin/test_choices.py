from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.locust_plugin.choices import ProfileFolder, choose
from relayload.profile import Profile, load

REST = "scenarios: {simple: {model: o3, prompt: simple}}\n"
OPEN = """
load: {kind: open, stages: [{for: 5s, rate: 60/min}, {repeat: 2, stages: [{for: 1s, rate: 2/s, to: 4/s}, {pause: 1s}]}]}
web: {max_multiplier: 2}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "profiles"
    made.mkdir()
    return made


def write(path: Path, text: str = OPEN) -> Path:
    path.write_text(f"name: {path.stem}\n{text}{REST}")
    return path


def read(folder: Path, text: str = OPEN) -> Profile:
    return load(write(folder / "p.yaml", text), environ={})


def test_profiles_go_by_the_names_of_their_files(folder: Path) -> None:
    for name in ("b.yaml", "a.yml", "notes.txt"):
        write(folder / name)
    (folder / "c.yaml").mkdir()
    (folder / "d.yaml").symlink_to(folder / "b.yaml")
    assert ProfileFolder(folder).names() == ["a.yml", "b.yaml", "d.yaml"]
    assert ProfileFolder(folder).path("b.yaml") == folder / "b.yaml"


@pytest.mark.parametrize(
    "name", ["../out.yaml", "link.yaml", "linked/out.yaml", "", ".", "..", "no.yaml", "\0", "notes.txt"]
)
def test_nothing_outside_the_folder_has_a_name(folder: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path / "out.yaml")
    write(folder / "notes.txt")
    (folder / "link.yaml").symlink_to(tmp_path / "out.yaml")
    (folder / "linked").symlink_to(tmp_path)
    for asked in (name, str(tmp_path / "out.yaml"), str(folder / "link.yaml")):
        with pytest.raises(AuthorError, match="no profile of that name"):
            ProfileFolder(folder).path(asked)


def test_a_folder_that_has_gone_has_no_profiles(folder: Path) -> None:
    folder.rmdir()
    assert ProfileFolder(folder).names() == []


def test_a_multiplier_is_an_override_of_every_rate(folder: Path) -> None:
    choice = choose(read(folder), None, (), 1.5)
    assert choice.overrides == (
        "load.stages.0.rate=1.5/s",
        "load.stages.1.stages.0.rate=3/s",
        "load.stages.1.stages.0.to=6/s",
    )
    assert choice.effective.effective["load"]["stages"][0]["rate"] == "1.5/s"
    assert choose(read(folder), None, (), 1.0).overrides == ()


@pytest.mark.parametrize("multiplier", [2.01, 0.0, -1.0, 0.001])
def test_a_multiplier_stays_within_the_bound_of_the_profile(folder: Path, multiplier: float) -> None:
    with pytest.raises(AuthorError, match=r"x.* is not between 0.01 and web.max_multiplier of the profile, 2"):
        choose(read(folder), None, (), multiplier)


def test_by_default_a_rate_is_only_lowered(folder: Path) -> None:
    profile = read(folder, "load: {kind: open, stages: [{for: 5s, rate: 1/s}]}\n")
    assert choose(profile, None, (), 0.5).effective is not profile
    with pytest.raises(AuthorError, match=r"between 0.01 and web.max_multiplier of the profile, 1"):
        choose(profile, None, (), 1.1)


@pytest.mark.parametrize(
    ("load_text", "told"),
    [
        ("{kind: batch, requests: 5}", "a batch has no rate"),
        ("{kind: closed, users: 2, stages: [{for: 5s}]}", "the users of a closed load"),
        ("{kind: open, arrivals: {trace: t.csv, format: azure}, stages: [{for: 5s}]}", "rows of a trace"),
    ],
)
def test_what_has_no_rate_is_not_multiplied(folder: Path, load_text: str, told: str) -> None:
    (folder / "t.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n")
    profile = read(folder, f"load: {load_text}\nweb: {{max_multiplier: 2}}\n")
    assert choose(profile, None, (), 1.0).overrides == ()
    with pytest.raises(AuthorError, match=told):
        choose(profile, None, (), 2.0)


TARGETS = """
targets: {a: {base_url: "http://127.0.0.1:1/v1", api_key: k}, b: {base_url: "fake://o-series"}, c: {base_url: "fake://o-series"}}
compare: interleaved
"""


def test_targets_that_were_not_chosen_are_left_out(folder: Path) -> None:
    profile = read(folder, OPEN + TARGETS)
    two, one = choose(profile, None, ["a", "c"], 1.0).effective, choose(profile, None, ["b"], 1.0).effective
    assert (list(two.named_targets), two.compare) == (["a", "c"], "interleaved")
    assert (list(one.named_targets), one.compare, one.several) == (["b"], None, False)
    assert choose(profile, None, (), 1.0).effective is profile
    with pytest.raises(AuthorError, match="no such target"):
        choose(profile, None, ["a", "d"], 1.0)


def test_a_file_is_checked_again_guardrails_included(folder: Path) -> None:
    first = read(folder)
    with pytest.raises(AuthorError, match="is not this machine"):
        choose(
            first,
            write(folder / "far.yaml", f"{OPEN}target: {{base_url: 'https://r.example/v1', api_key: k}}\n"),
            (),
            1,
        )
    other = choose(first, write(folder / "other.yaml"), (), 2.0)
    assert (other.profile.name, other.effective.effective["load"]["stages"][0]["rate"]) == ("other", "2/s")


def test_users_of_a_closed_load_are_not_exchanged(folder: Path) -> None:
    closed = "load: {kind: closed, users: 2, stages: [{for: 5s}]}\n"
    for first, then in ((OPEN, closed), (closed, OPEN)):
        with pytest.raises(AuthorError, match="start it anew"):
            choose(read(folder, first), write(folder / "other.yaml", then), (), 1.0)
