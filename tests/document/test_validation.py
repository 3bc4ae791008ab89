from enum import StrEnum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from relayload.core.errors import AuthorError
from relayload.core.units import duration_s
from relayload.document import parse, validate
from relayload.document.validation import data_location, nearest


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Seconds = Annotated[float, BeforeValidator(lambda value: duration_s(str(value)))]


class Kind(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Stall(Strict):
    kind: Literal["stall"]
    duration: Seconds
    probability: float = Field(1.0, ge=0, le=1)


class Status(Strict):
    kind: Literal["status"]
    status: int
    probability: float = 1.0


class Target(Strict):
    base_url: str
    api_key: SecretStr = SecretStr("")


class Profile(Strict):
    name: str
    target: Target
    load: Kind = Kind.OPEN
    driver: Literal["native", "openai"] = "native"
    faults: list[Annotated[Stall | Status, Field(discriminator="kind")]] = []
    targets: dict[str, Target] = {}
    size: int | Seconds = 1

    @field_validator("name")
    @classmethod
    def not_empty(cls, name: str) -> str:
        if not name:
            raise ValueError("must not be empty")
        return name


def faults_of(text: str) -> list[str]:
    with pytest.raises(AuthorError) as error:
        validate(parse(text, "f.yaml"), Profile)
    return [str(fault) for fault in error.value.faults]


GOOD = "name: x\ntarget: {base_url: u}\n"


def test_a_good_document_becomes_the_model():
    assert validate(parse(GOOD, "f.yaml"), Profile) == Profile(name="x", target=Target(base_url="u"))


def test_every_fault_comes_at_once_in_the_order_of_the_file():
    text = "nam: x\ntarget:\n  base_url: 5\n  base_url: 6\nload: opne\ndriver: no\n"
    assert faults_of(text) == [
        "f.yaml:1:1: name: is required",
        "f.yaml:1:1: nam: unknown key; did you mean 'name'?",
        "f.yaml:3:13: target.base_url: expected a valid string, got '5'",
        "f.yaml:4:3: target.base_url: written twice; first in line 3",
        "f.yaml:5:7: load: expected 'open' or 'closed', got 'opne'; did you mean 'open'?",
        "f.yaml:6:9: driver: 'no' is false in YAML 1.1: write false, or 'no' in quotes for the word",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("faults: [{kind: stal}]", "f.yaml:3:17: faults.0.kind: expected 'stall' or 'status', got 'stal'"),
        ("faults: [{status: 500}]", "f.yaml:3:10: faults.0.kind: is required"),
        (
            "faults: [{kind: status, status: 500, probability: x}]",
            "f.yaml:3:51: faults.0.probability: expected a valid number, unable to parse",
        ),
        (
            "faults: [{kind: stall, duration: 1s, chance: 1}]",
            "f.yaml:3:38: faults.0.chance: unknown key; known: duration, kind, probability",
        ),
        (
            "faults: [{kind: stall, duration: 20}]",
            "f.yaml:3:34: faults.0.duration: expected a duration such as '800ms', '30s' or '1h30m', got '20'",
        ),
        (
            "faults: [{kind: stall, duration: 1s, probability: 2}]",
            "f.yaml:3:51: faults.0.probability: expected less than or equal to 1, got '2'",
        ),
        ("targets: {a: {base_ulr: u}}", "f.yaml:3:11: targets.a.base_url: is required"),
        ("targets: {a: {base_url: u, key: u}}", "f.yaml:3:28: targets.a.key: unknown key; did you mean 'api_key'?"),
        ("targets: [1]", "f.yaml:3:10: targets: expected a mapping, got a list"),
    ],
)
def test_a_fault_deep_inside_has_its_path_and_place(text, fault):
    assert faults_of(GOOD + text)[0].startswith(fault)


def test_a_secret_is_never_shown():
    (fault,) = faults_of("name: x\ntarget: {base_url: u, api_key: [sk-very-secret]}\n")
    assert "sk-very-secret" not in fault


def test_branches_of_a_union_that_all_failed_are_told_in_one_line():
    (fault,) = faults_of(GOOD + "size: big")
    assert fault.startswith("f.yaml:3:7: size: expected a valid integer")
    assert " or expected a duration" in fault


def test_a_document_that_is_no_mapping_is_a_fault():
    assert faults_of("- 1\n") == ["f.yaml:1:1: expected a mapping, got a list"]


@pytest.mark.parametrize(
    ("loc", "missing", "path"),
    [
        (("faults", 0, "status", "status"), False, ("faults", 0, "status")),
        (("faults", 0, "status", "probability"), False, ("faults", 0, "probability")),
        (("faults", 0, "status", "from"), True, ("faults", 0, "from")),
        (("faults", 0, "status"), True, ("faults", 0, "status")),
        (("faults", 1, "function-after[f()]"), False, ("faults", 1)),
        (("names", "a", "[key]"), False, ("names", "a")),
    ],
)
def test_tags_of_unions_are_left_out_of_the_path(loc, missing, path):
    data = {"faults": [{"kind": "status", "status": 500, "probability": 2}, {}], "names": {"a": 1}}
    assert data_location(data, loc, missing=missing) == path


def test_many_known_words_are_not_listed_in_full() -> None:
    few, many = (f"gpt-5.{number}" for number in range(3)), [f"gpt-5.{number}" for number in range(94)]
    assert nearest("o4", few) == "; known: gpt-5.0, gpt-5.1, gpt-5.2"
    assert nearest("o4", [*many, "o3", "o4-mini"]).startswith("; the closest of 96: o3, o4-mini, ")
    assert nearest("gpt-5.x", many).startswith("; did you mean 'gpt-5.")
