from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.errors import AuthorError
from relayload.document import Location, load, parse, source


def faults_of(text: str) -> list[str]:
    try:
        return [str(fault) for fault in parse(text, "f.yaml").faults]
    except AuthorError as error:
        return [str(fault) for fault in error.faults]


def test_plain_data_comes_out_as_written():
    document = parse("a: {b: [1, -2, .5, 1e3, 1., true, False, null, ~, text]}\nc:\n", "f.yaml")
    assert document.data == {"a": {"b": [1, -2, 0.5, 1000.0, 1.0, True, False, None, None, "text"]}, "c": None}
    assert document.faults == ()


@pytest.mark.parametrize("text", ["5/s", "800ms", "1%", "$5", "2024-05-13", "0x1F", "1_000", ".inf", "y", "1.2.3"])
def test_text_that_other_parsers_would_convert_stays_text(text):
    assert parse(f"a: {text}", "f.yaml").data == {"a": text}


@pytest.mark.parametrize("text", ["yes", "No", "on", "OFF", "010", "0_7", "1:30", "12:30:45"])
def test_what_yaml_1_1_and_1_2_read_differently_is_a_fault_unless_quoted(text):
    (fault,) = faults_of(f"a:\n  b: {text}")
    assert fault.startswith(f"f.yaml:2:6: a.b: '{text}' is ")
    assert faults_of(f"a: '{text}'") == []
    assert faults_of(f"{text}: 1") == []


def test_a_key_written_twice_points_at_the_second_and_names_the_first():
    assert faults_of("a: 1\nb: 2\na: 3\n") == ["f.yaml:3:1: a: written twice; first in line 1"]


def test_faults_of_one_document_come_together():
    assert len(faults_of("a: no\nb: 010\nb: 1\nc: !!python/name:os.system x\n[d]: 1\n")) == 5


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "f.yaml: the file is empty"),
        ("# only a comment\n", "f.yaml: the file is empty"),
        ("a: 1\nb: 'x", "f.yaml:2:4: not valid YAML: the quote that begins here is not closed"),
        (
            "a: 1\n  b: 2",
            "f.yaml:2:3: not valid YAML: indented deeper than the key above it, which has a value already",
        ),
        ("a: \x07", "f.yaml:1:4: not valid YAML: the character '\\x07' is not allowed"),
        ("[" * 5000, "f.yaml: is nested too deeply"),
        (
            "a: &a [*a]",
            "f.yaml:1:4: a.0: holds itself: an alias must name something else than what it stands in",
        ),
    ],
)
def test_text_that_is_not_yaml_is_one_fault_with_its_place(text, fault):
    assert faults_of(text) == [fault]


QUOTES = "put text with braces in quotes, such as 'ttft{stage=steady}.p95 < 1s'"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [ttft{scenario=simple, stage=steady}.p95 < 1s]", "1:9"),
        ("a:\n  - {expr: goodput{ttft<1s}.rate > 90%}", "2:19"),
        ("a: [\n  x,\n  b{c}\n]", "3:4"),
    ],
)
def test_text_with_braces_in_a_list_without_quotes_is_told_to_take_them(text: str, place: str):
    (fault,) = faults_of(text)
    assert fault == f"f.yaml:{place}: not valid YAML: {QUOTES}"


@pytest.mark.parametrize("text", ["a: [{b: 1} {c: 2}]", "a: ['b'{c}]", "a: [b [c]]", "a: [b}"])
def test_other_brackets_in_the_wrong_place_have_nothing_to_do_with_quotes(text: str):
    (fault,) = faults_of(text)
    assert "quotes" not in fault


def test_aliases_are_followed_but_not_without_end():
    assert parse("a: &x {b: 1}\nc: *x", "f.yaml").data == {"a": {"b": 1}, "c": {"b": 1}}
    laughs = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9) if n else 'ha'}]" for n in range(9))
    assert faults_of(laughs) == ["f.yaml: holds more than 200000 values"]


def test_a_fault_stands_at_the_value_or_its_key_or_the_nearest_parent():
    document = parse("load:\n  stages:\n    - {rate: 5}\n    - {rate: 20rps}\n", "f.yaml")
    assert str(document.fault(("load", "stages", 1, "rate"), "bad")) == "f.yaml:4:14: load.stages.1.rate: bad"
    assert str(document.fault(("load", "stages", 1, "rate"), "bad", at_key=True)).startswith("f.yaml:4:8:")
    assert str(document.fault(("load", "stages", 1, "for"), "bad")).startswith("f.yaml:4:7: load.stages.1.for")
    assert str(document.fault(("load", "kind"), "bad")).startswith("f.yaml:1:1: load.kind")
    assert str(document.fault((), "bad")) == "f.yaml:1:1: bad"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path):
    with pytest.raises(AuthorError, match=r"absent.yaml: cannot be read: No such file or directory"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: caf\xe9\n")
    with pytest.raises(AuthorError, match=r"latin.yaml:2:7: is not UTF-8 text"):
        load(tmp_path / "latin.yaml")


def test_a_file_is_read_as_utf8_with_or_without_a_mark(tmp_path: Path):
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: caf\xc3\xa9\n")
    assert load(tmp_path / "f.yaml").data == {"a": "café"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_file_is_read_as_utf16_where_its_mark_says_so(tmp_path: Path, encoding: str):
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tmp_path / "f.yaml").write_bytes(f"{mark}a: café\r\n".encode(encoding))
    assert load(tmp_path / "f.yaml").data == {"a": "café"}


def test_overrides_set_values_by_path_and_leave_the_original_alone():
    document = parse("load: {stages: [{rate: 1/s}, {rate: 2/s}]}\nmodels: {gpt-4.1: {speed: 1}}\n", "f.yaml")
    changed = document.override(["load.stages.1.rate=5/s", "models.gpt-4.1.speed=2", "limits.rpm=[1, 2]", "a="])
    assert changed.data == {
        "load": {"stages": [{"rate": "1/s"}, {"rate": "5/s"}]},
        "models": {"gpt-4.1": {"speed": 2}},
        "limits": {"rpm": [1, 2]},
        "a": None,
    }
    assert document.data["load"]["stages"][1] == {"rate": "2/s"}
    assert str(changed.fault(("load", "stages", 1, "rate"), "bad")) == ("--set: load.stages.1.rate: bad")


def test_an_override_goes_into_what_holds_nothing_yet():
    changed = parse("client:\nlimits: {rpm: ~}\n", "f.yaml").override(["client.retry.attempts=3", "limits.rpm.o3=1"])
    assert changed.data == {"client": {"retry": {"attempts": 3}}, "limits": {"rpm": {"o3": 1}}}
    assert changed.faults == ()


def test_what_an_override_puts_in_place_of_a_whole_list_stands_in_no_file():
    changed = parse("limits: [{rpm: 1}, {rpm: 2}]\nname: x\n", "f.yaml").override(["limits=[{rpm: 3}]", "name={}"])
    assert str(changed.fault(("limits", 0, "rpm"), "bad")) == "--set: limits.0.rpm: bad"
    assert str(changed.fault(("name", "first"), "is required")) == "--set: name.first: is required"


@pytest.mark.parametrize(
    ("assignment", "fault"),
    [
        ("rate", "--set rate: expected path.to.value=VALUE"),
        ("=5", "--set =5: expected path.to.value=VALUE"),
        ("stages.7.rate=5", "--set stages.7.rate: there is no '7' in 'stages', which holds 1, counted from 0: write 0"),
        ("stages.x=5", "--set stages.x: there is no 'x' in 'stages', which holds 1, counted from 0: write 0"),
        ("name.x=5", "--set name.x: there is no 'x' in 'name'"),
        ("name=no", "--set name: 'no' is false in YAML 1.1: write false, or 'no' in quotes for the word"),
        ("name=[", "--set name: not valid YAML: the '[' that begins here is not closed: write ']'"),
    ],
)
def test_an_override_that_cannot_be_made_is_a_fault(assignment, fault):
    (found,) = parse("name: x\nstages: [{rate: 1}]", "f.yaml").override([assignment]).faults
    assert str(found).startswith(fault)


def test_texts_are_substituted_and_what_cannot_be_is_a_fault_in_its_place():
    def replacement(place: Location, text: str) -> str:
        if text == "bad":
            raise ValueError("is not set")
        return text.upper()

    document = parse("a: [x, 1, bad]\nb: {c: bad}", "f.yaml").substitute(replacement)
    assert document.data == {"a": ["X", 1, "bad"], "b": {"c": "bad"}}
    assert [str(fault) for fault in document.faults] == ["f.yaml:1:11: a.2: is not set", "f.yaml:2:8: b.c: is not set"]


@given(st.text(max_size=200))
def test_no_text_at_all_ends_in_anything_but_data_or_faults(text):
    faults_of(text)


@given(st.text(alphabet="{}[]:-,&*!|>'\"#%@ab01 \n\t?", max_size=80))
def test_no_punctuation_ends_in_anything_but_data_or_faults(text):
    faults_of(text)


def test_values_are_counted_before_any_tree_is_built_of_them(monkeypatch):
    monkeypatch.setattr(source, "MAX_NODES", 10)
    assert faults_of("".join(f"k{number}: 1\n" for number in range(9))) == []
    assert faults_of("".join(f"k{number}: 1\n" for number in range(11)) + "*unknown") == [
        "f.yaml: holds more than 10 values"
    ]


def test_a_variable_between_braces_without_quotes_is_told_to_take_them():
    (fault,) = faults_of("target: {base_url: x, api_key: ${env:MY_KEY}}")
    assert fault == "f.yaml:1:33: not valid YAML: put text with braces in quotes, such as '${env:NAME}'"
