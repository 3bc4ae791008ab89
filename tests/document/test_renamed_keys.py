from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel

from relayload.core.errors import AuthorError
from relayload.document import Document, Shape, load_extended, parse, validate, with_present_names


class Wait(BaseModel):
    renamed: ClassVar[Mapping[str, str]] = {"longest": "most", "first": "least"}

    least: int = 0
    most: int | dict[str, int] = 0


class Model(BaseModel):
    wait: Wait | None = None
    waits: list[Wait] = []
    by_name: dict[str, Wait] = {}
    longest: int = 0


SHAPE = Shape(Model)


def present(text: str, *sets: str) -> Document:
    return with_present_names(parse(text, "f.yaml").override(sets), SHAPE)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("wait: {longest: 5}", {"wait": {"most": 5}}),
        ("wait: {longest: 5, first: 1}", {"wait": {"most": 5, "least": 1}}),
        ("waits: [{most: 1}, {longest: 2}]", {"waits": [{"most": 1}, {"most": 2}]}),
        ("by_name: {longest: {longest: 3}}", {"by_name": {"longest": {"most": 3}}}),
        ("longest: 1", {"longest": 1}),
        ("wait: [longest]", {"wait": ["longest"]}),
        ("5", 5),
        ("~", None),
    ],
)
def test_keys_have_their_present_names(text: str, data: object):
    assert present(text).data == data


def test_a_renamed_key_keeps_its_turn_and_its_place():
    document = present("wait:\n  longest: {a: x}\n  least: 1\n")
    assert list(document.data["wait"]) == ["most", "least"]
    assert document.former_names == {("wait", "most"): "longest"}
    assert str(document.fault(("wait", "most"), "is wrong", at_key=True)) == "f.yaml:2:3: wait.longest: is wrong"
    assert str(document.fault(("wait", "most", "a"), "is wrong")) == "f.yaml:2:16: wait.longest.a: is wrong"


def test_the_document_that_was_read_stays_as_it_is():
    written = parse("wait: {longest: 5}", "f.yaml")
    with_present_names(written, SHAPE)
    assert written.data == {"wait": {"longest": 5}}


def test_nothing_is_copied_where_no_key_was_renamed():
    written = parse("wait: {most: 5}", "f.yaml")
    assert with_present_names(written, SHAPE) is written


def test_a_key_by_both_names_is_a_fault_at_the_old_one():
    document = present("wait: {most: 5, longest: 6}")
    assert document.data == {"wait": {"most": 5}}
    with pytest.raises(AuthorError) as caught:
        validate(document, Model)
    assert [str(fault) for fault in caught.value.faults] == [
        "f.yaml:1:17: wait.longest: is the old name of 'most', which is given, too: leave out 'longest'"
    ]


@pytest.mark.parametrize(
    ("text", "assignment", "most", "path"),
    [
        ("wait: {most: 5}", "wait.longest=6", 6, "--set: wait.longest"),
        ("wait: {longest: 5}", "wait.longest=6", 6, "--set: wait.longest"),
        ("wait: {longest: 5}", "wait={longest: 6}", 6, "--set: wait.longest"),
        ("wait: {least: 5}", "wait.longest=6", 6, "--set: wait.longest"),
    ],
)
def test_an_override_goes_before_the_file_by_either_name(text: str, assignment: str, most: int, path: str):
    document = present(text, assignment)
    assert (document.faults, document.data["wait"]["most"]) == ((), most)
    assert str(document.fault(("wait", "most"), "is wrong")) == f"{path}: is wrong"


def test_an_override_by_the_present_name_goes_before_what_a_file_calls_otherwise():
    changed = with_present_names(present("wait: {longest: 5}").override(["wait.most=6"]), SHAPE)
    assert (changed.data, changed.former_names, changed.faults) == ({"wait": {"most": 6}}, {}, ())


@pytest.mark.parametrize(
    ("base", "top", "most", "names"),
    [
        ("wait: {longest: 5}", "wait: {most: 6}", 6, {}),
        ("wait: {most: 5}", "wait: {longest: 6}", 6, {("wait", "most"): "longest"}),
        ("wait: {longest: 5}", "wait: {least: 1}", 5, {("wait", "most"): "longest"}),
    ],
)
def test_a_file_goes_before_its_base_by_either_name(base: str, top: str, most: int, names: object, tmp_path: Path):
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "top.yaml").write_text(f"extends: base.yaml\n{top}")
    document = load_extended(tmp_path / "top.yaml", SHAPE, str)
    assert (document.faults, document.data["wait"]["most"], document.former_names) == ((), most, names)
