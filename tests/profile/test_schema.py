import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from relayload import document
from relayload.core.objectives.grammar import parse
from relayload.profile.schema import schema, schema_text

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "profiles").glob("*.yaml"))
GOOD: dict[str, Any] = {
    "name": "chat",
    "load": {"kind": "open", "stages": [{"for": "10s", "rate": "5/s"}]},
    "scenarios": {"simple": {"model": "o3", "prompt": "simple"}},
}


@cache
def validator() -> Draft202012Validator:
    """Made when a test wants it: it takes a second."""
    return Draft202012Validator(json.loads(schema_text()))


def refused(**changes) -> bool:
    return not validator().is_valid(GOOD | changes)


def scenario(**changes):
    return {"scenarios": {"simple": GOOD["scenarios"]["simple"] | changes}}


def stage(**changes):
    return {"load": {"kind": "open", "stages": [{"for": "10s", "rate": "5/s"} | changes]}}


def test_the_copy_in_docs_is_current():
    copy = ROOT / "docs" / "relayload.schema.json"
    hint = "a key of profiles has changed: relayload schema > docs/relayload.schema.json"
    assert copy.read_text(encoding="utf-8") == schema_text(), hint


@pytest.mark.parametrize("definition", ["BreakerConfig", "BreakerConfig in part"])
def test_old_names_of_keys_are_deprecated_and_tell_the_present_one(definition):
    properties = schema()["$defs"][definition]["properties"]
    deprecated = {name: told for name, told in properties.items() if told.get("deprecated")}
    assert {name: told["deprecationMessage"] for name, told in deprecated.items()} == {
        "forget_after": "now reset_after",
        "trials": "now half_open_calls",
    }
    assert not refused(client={"breaker": {"trials": 3}})
    assert refused(client={"breaker": {"trials": "many"}})


def test_it_is_a_schema_of_its_draft():
    Draft202012Validator.check_schema(schema())
    assert schema()["$id"] == "urn:relayload:profile"
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_it_admits_the_ready_profiles(path):
    assert [error.message for error in validator().iter_errors(document.load(path).data)] == []


def test_it_admits_the_examples_of_the_pages():
    pages = [ROOT / "README.md", ROOT / "docs" / "scenarios.md", ROOT / "docs" / "profiles.md"]
    examples = [
        yaml.safe_load(text)
        for page in pages
        for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ]
    assert len(examples) >= 3
    assert [error.message for example in examples for error in validator().iter_errors(example)] == []


def mappings(value, path=()):
    """Every mapping of a profile that is not one of names which the author chooses."""
    free = (("scenarios",), ("target", "headers"))
    if isinstance(value, dict):
        if path not in free and path[-1:] not in (("model",), ("body",), ("headers",), ("variables",), ("share",)):
            yield path
        for key, item in value.items():
            yield from mappings(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from mappings(item, (*path, index))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_it_admits_the_ready_profiles_however_old_the_reader_of_yaml_is(path):
    read = yaml.safe_load(path.read_text(encoding="utf-8"))  # by YAML 1.1, to which `on` is true
    assert [error.message for error in validator().iter_errors(read)] == []


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_it_refuses_unknown_keys_at_every_place(path):
    places = list(mappings(document.load(path).data))
    assert len(places) > 5
    for place in places:
        data = document.load(path).data
        part = data
        for key in place:
            part = part[key]
        part["unknown_key"] = 1
        assert not validator().is_valid(data), place


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": "${env:SEED:-7}"},
        {"driver": "${env:DRIVER:-native}"},
        {"objectives": ["ttft.p99 < 800ms", {"expr": "latency{scenario=simple}.p99.9 <= 2s"}, "${env:GOAL}"]},
        {"client": {"timeout": "30s"}},
        {"client": {"timeout": {"total": None, "gap": "5s"}}},
        {"target": {"base_url": "fake://o-series", "api_key": "${file:key}", "headers": {"X-Team": "load"}}},
        scenario(model={"o3": 3, "o4": 1}, input_tokens={"p50": 5, "p99": 9}, max_output_tokens=[1, 2]),
        scenario(prompt={"template": "{{a}}", "variables": {"a": {"from": 1, "to": 2}}}, stream="${env:STREAM:-true}"),
        scenario(body={"any": {"thing": None}}, weight="2.5"),
        stage(rate="${env:RATE:-5/s}", to="300 / min", warmup=False),
        stage(**{"for": "1h 30m"}),
        {"load": {"kind": "open", "arrivals": {"trace": "a.csv", "format": "azure", "speed": 2}}},
        {"load": {"kind": "closed", "users": 3, "stages": [{"for": "5s"}]}},
    ],
    ids=str,
)
def test_it_admits_what_profiles_may_say(changes):
    assert not refused(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1.5},
        {"driver": "nativ"},
        {"objectives": ["ttft.p99"]},
        {"objectives": ["tftt.p99 < 1s"]},
        {"objectives": "ttft.p99 < 1s"},
        {"client": {"timeout": 30}},
        {"target": {"api_key": 5}},
        scenario(prompt="simpel"),
        scenario(weight="heavy"),
        scenario(max_output_tokens=0),
        scenario(model=None),
        stage(rate="20rps"),
        stage(rate=5),
        stage(**{"for": "10"}),
        stage(warmup="no"),
        {"load": {"kind": "opne", "stages": []}},
        {"load": {"kind": "closed", "stages": [{"for": "5s"}]}},
    ],
    ids=str,
)
def test_it_refuses_wrong_types_units_and_words(changes):
    assert refused(**changes)


@pytest.mark.parametrize("key", ["name", "load", "scenarios"])
def test_what_a_profile_must_say_may_come_from_a_base(key):
    data = {name: value for name, value in GOOD.items() if name != key}
    assert not validator().is_valid(data)
    assert validator().is_valid(data | {"extends": "base.yaml"})


def test_what_is_laid_over_a_base_may_take_away_but_not_be_wrong():
    assert validator().is_valid({"extends": ["a.yaml"], "scenarios": {"a": None, "b": {"weight": 2, "nonce": None}}})
    assert not validator().is_valid({"extends": "a.yaml", "scenarios": {"b": {"wieght": 2}}})
    assert not validator().is_valid({"extends": "a.yaml", "load": {"stages": [{"rate": "5rps"}]}})


def keys():
    for name, definition in schema()["$defs"].items():
        for branch in (definition, definition.get("then", {})):
            for key, part in branch.get("properties", {}).items():
                yield f"{name}.{key}", part


def test_every_key_has_a_text_to_hover_over():
    assert [name for name, part in keys() if not part.get("description")] == []


def test_defaults_are_spelt_as_one_would_write_them():
    defaults = {name: part["default"] for name, part in keys() if "default" in part}
    assert defaults["ClosedLoad.think_time"] == "0s"
    assert defaults["ClientTimeouts.total"] == "2m"
    assert defaults["GeneratorBounds.late"] == "50ms"
    assert defaults["GeneratorBounds.late_share"] == "1%"
    assert defaults["Scenario.stream"] is True
    assert defaults["OpenLoad.max_in_flight"] == 1000


def test_it_is_printed_as_json():
    assert json.loads(schema_text()) == schema()


@pytest.mark.parametrize(
    ("changes", "path", "begin"),
    [
        (stage(rate="20rps"), "load.stages.0.rate", "'20rps' does not match"),
        (stage(rate=5), "load.stages.0.rate", "5 is not of type 'string', 'null'"),
        (stage(**{"for": "10"}), "load.stages.0.for", "'10' does not match"),
        ({"load": {"kind": "open", "stages": [{"pause": "5"}]}}, "load.stages.0.pause", "'5' does not match"),
        (
            {"load": {"kind": "open", "stages": [{"repeat": 2, "stages": [{"for": "5"}]}]}},
            "load.stages.0.stages.0.for",
            "'5' does not match",
        ),
        ({"load": {"kind": "closed", "stages": [{"for": "5s"}]}}, "load", "'users' is a required property"),
        ({"load": {"kind": "batch", "requests": 0}}, "load.requests", "0 is less than the minimum of 1"),
        ({"load": {"kind": "opne"}}, "load.kind", "'opne' is not valid"),
        ({"client": {"retry": {"attempts": 0}}}, "client.retry.attempts", "0 is less than the minimum of 1"),
        ({"extends": "a", "client": {"retry": {"attempts": 0}}}, "client.retry.attempts", "0 is less than the minimum"),
        ({"objectives": ["ttft.p95 < 300"]}, "objectives.0", "'ttft.p95 < 300' does not match"),
        ({"objectives": [{"expr": "errors.rate < 1"}]}, "objectives.0.expr", "'errors.rate < 1' does not match"),
        ({"objectives": [{"expr": "errors.rate < 1%", "for": 0}]}, "objectives.0.for", "0 is less than the minimum"),
    ],
    ids=str,
)
def test_a_fault_is_marked_where_it_is_and_not_a_whole_part(changes, path, begin):
    (error,) = validator().iter_errors(GOOD | changes)
    assert ".".join(map(str, error.path)) == path
    assert error.message.startswith(begin)


@pytest.mark.parametrize(
    "objective",
    [
        "ttft.p95 < 300",
        "ttft.p95 == 300ms",
        "errors.rate < 0.01",
        "errors.count < 1%",
        "throughput.per_second > 20rps",
        "output_rate.p5 > 20",
        "cost.usd < 2€",
        "ttft.rate < 1s",
        "breaker.trips < 1s",
    ],
)
def test_an_objective_with_a_wrong_unit_is_refused(objective):
    assert refused(objectives=[objective])


@pytest.mark.parametrize(
    "objective",
    [
        " ttft{stage=a, model!=b} . p99.9 <= 1m 30s ",
        "output_rate.p5>20/s",
        "errors{kind=429}.count == 0",
        "goodput{ttft<200ms, tpot<20ms}.rate >= 95 %",
        "goodput{latency<1s}.per_second > 3",
        "throughput.per_second >= 300/min",
        "throughput.per_second >= 18",
        "breaker.open_time < 1s",
        "breaker.trips != 0",
        "cost.usd < $ 2.50",
        "cost.usd < 2",
        "batch.makespan < 5min",
    ],
)
def test_every_kind_of_objective_is_admitted(objective):
    assert parse(objective)
    assert not refused(objectives=[objective])
