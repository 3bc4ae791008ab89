"""`relayload plan`: what it refuses, and what it makes of capacities of every kind."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner, Result

from relayload.cli import main
from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.levels import Over
from relayload.core.capacity.model_use import ModelUse
from relayload.core.capacity.plan import CapacityPlan
from relayload.core.price import Price
from relayload.report.schemas import schema

USES = {
    "o3": ModelUse(share=0.75, requests=300, input_tokens=100.0, output_tokens=50.0),
    "o4": ModelUse(share=0.25, requests=100, input_tokens=200.0, output_tokens=100.0),
}
PRICES = {
    "o3": Price(input=Decimal("2.1"), output=Decimal("8.4")),
    "o4": Price(input=Decimal("2.5"), output=Decimal("10.5")),
}
PROFILE = """
name: replay
target: {base_url: "fake://o-series", api_key: sk-fake}
load:
  kind: open
  arrivals: {trace: day.csv, format: csv, columns: {at: when, input_tokens: tokens}, speed: 10, limit: 3}
  stages: [{name: all, for: 10s}]
scenarios: {chat: {model: o3}}
"""


@pytest.fixture
def capacity(tmp_path: Path):
    """Writes a capacity.json."""

    def write(answer: Kind = Kind.INTERVAL, **changes: Any) -> Path:
        plain: dict[str, Any] = {
            "proven_per_s": 10.0,
            "refuted_per_s": 12.5,
            "estimate_per_s": 11.2,
            "models": USES,
            "prices": PRICES,
        }
        found = Capacity(answer=answer, reason="as found", exit_code=0, **(plain | changes))
        path = tmp_path / "capacity.json"
        path.write_bytes(msgspec.json.encode(found))
        return path

    return write


@pytest.fixture
def azure(tmp_path: Path) -> Path:
    """A trace of five minutes, the third with twice as many requests."""
    path = tmp_path / "azure.csv"
    at_s = [second for second in range(300) for _ in range(2 if 120 <= second < 180 else 1)]
    times = [f"2023-11-16 18:{at // 60:02}:{at % 60:02}.0,100,50" for at in at_s]
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *times, ""]))
    return path


def invoked(*arguments: str | Path) -> Result:
    return CliRunner(env={"GITHUB_ACTIONS": None}).invoke(main, ["plan", *map(str, arguments)])


def planned(*arguments: str | Path) -> dict[str, Any]:
    result = invoked(*arguments, "--json")
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator(schema(CapacityPlan)).validate(found)
    assert result.exit_code == found["exit_code"]
    return found


def test_the_table_has_the_answer_first_and_carries_the_interval_through(capacity):
    result = invoked(capacity(), "--traffic", "37/s", "--headroom", "0%", "--growth", "15%/month", "--replicas", "5")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "plan for 37/s: 4 replicas by what is proven, 3 at best"
    assert "one carries 10/s 11.2/s 12.5/s" in lines
    assert "replicas needed 4 4 3" in lines
    assert "dates below: those of 5 replicas" in lines
    assert "quota to ask for in all, headroom included: 2,220 requests/min, 416,250" in lines
    assert any(line.startswith("exhausted 20") and "2.2 months" in line for line in lines)
    assert any(line.startswith("as measured saves $") and "against direct" in line for line in lines)


def test_a_directory_stands_for_the_file_in_it(capacity):
    path = capacity()
    assert invoked(path.parent, "--traffic", "5/s").stdout == invoked(path, "--traffic", "5/s").stdout


@pytest.mark.parametrize(
    ("answer", "changes", "code", "first"),
    [
        (Kind.AT_LEAST, {"refuted_per_s": None}, 0, "plan for 40/s: 5 replicas by what is proven"),
        (
            Kind.BELOW,
            {"proven_per_s": None},
            4,
            "plan for 40/s: no number of replicas is proven to be enough, and fewer than 5 are surely not enough",
        ),
        (Kind.NONE, {"proven_per_s": None}, 3, "plan for 40/s: no number of replicas is proven to be enough"),
        (Kind.QUOTA, {"ceiling": Ceiling(per_s=10.0)}, 0, "plan for 40/s: 5 keys by what is proven"),
    ],
)
def test_every_kind_of_answer_has_an_exit_code(answer, changes, code, first, capacity):
    result = invoked(capacity(answer, **changes), "--traffic", "40/s")
    assert (result.exit_code, " ".join(result.stdout.split())[: len(first)]) == (code, first)
    planned(capacity(answer, **changes), "--traffic", "40/s")


def test_a_trace_plans_for_its_busiest_minute(capacity, azure):
    found = planned(capacity(), "--trace", azure)
    peak = found["peak"]
    assert (peak["requests"], peak["for_s"], peak["peak_per_s"], peak["at_s"]) == (360, 299.0, 2.0, 120.0)
    assert found["peak_per_s"] == pytest.approx(2.0)
    assert found["mean_per_s"] == pytest.approx(360 / 299)
    scaled = planned(capacity(), "--trace", azure, "--traffic", "60/s")
    assert scaled["peak_per_s"] == pytest.approx(60 * 2.0 / (360 / 299))
    text = " ".join(invoked(capacity(), "--trace", azure, "--traffic", "60/s").stdout.split())
    assert "the busiest minute, 2m after the first, has 2/s, 1.66 times the mean" in text
    assert "scaled to a mean of 60/s: the busiest minute has 99.67/s" in text


def test_a_profile_tells_the_columns_of_a_trace_whose_own_speed_counts(capacity, tmp_path):
    (tmp_path / "replay.yaml").write_text(PROFILE)
    (tmp_path / "day.csv").write_text("when,tokens\n" + "".join(f"{second},90\n" for second in range(100)))
    peak = planned(capacity(), "--trace", tmp_path / "replay.yaml")["peak"]
    assert (peak["requests"], peak["for_s"], peak["peak_per_s"]) == (100, 99.0, 1.0)
    assert (peak["input_tokens"], peak["output_tokens"]) == (90.0, None)


def test_prices_may_be_named(capacity):
    found = planned(capacity(), "--traffic", "1/s", "--compare", "2/8", "1/4", "--mix", "o3=100%")
    offers = found["cost"]["total"]["offers"]
    assert [offer["name"] for offer in offers] == ["2/8", "1/4"]
    assert found["cost"]["total"]["saving"]["share"] == "0.5000"
    assert list(found["models"]) == ["o3"]


def test_what_is_missing_is_told_and_the_rest_planned(capacity):
    found = planned(capacity(models={}, prices={}), "--traffic", "40/s")
    assert (found["needed"]["proven"], found["cost"], found["quota"]["tokens_per_min"]) == (5, None, None)
    assert any("--resume' adds them" in note for note in found["notes"])
    unpriced = planned(capacity(prices={}), "--traffic", "40/s")
    assert [offer["name"] for offer in unpriced["cost"]["total"]["offers"]] == ["direct"]
    assert any(note.startswith("as measured: has no price for o3, o4") for note in unpriced["notes"])
    untold = {"o3": ModelUse(share=1.0, requests=5, input_tokens=None, output_tokens=None)}
    assert any("no answer told its tokens" in n for n in planned(capacity(models=untold), "--traffic", "1/s")["notes"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "tell the traffic: --traffic 40/s, --trace FILE, or both"),
        (["--traffic", "40"], "--traffic: expected a rate such as"),
        (["--traffic", "0/s"], "--traffic: expected a rate above 0"),
        (["--traffic", f"{10**30}/s"], "--traffic: expected a rate above 0, of at most 1e+06/s"),
        (["--growth", "15%"], "--growth: expected a growth such as '15%/month'"),
        (["--growth", "1500%/month"], "of at most 1000%"),
        (["--headroom", "100%"], "--headroom: expected at most 95%"),
        (["--headroom", "0.3"], "--headroom: expected a share such as '1%'"),
        (["--mix", "o3=70%,o4=20%"], "--mix: expected shares that add up to 100%, got 90%"),
        (["--mix", "o3=70%,o5=30%"], "--mix: 'o5' was not measured"),
        (["--mix", "o3=70%,o3=30%"], "--mix: expected each model once"),
        (["--mix", "o3"], "--mix: expected each model once"),
        (["--mix", "o3=0.7,o4=0.3"], "--mix: expected a share"),
        (["--compare", "direct:o9", "relay"], "direct: has no price for 'o9'"),
        (["--compare", "nowhere", "relay"], "there is no price list 'nowhere'"),
        (["--trace", "nowhere.csv"], "nowhere.csv: cannot be read"),
        (["--trace", "quickstart"], "is a profile whose load replays no trace"),
    ],
)
def test_what_can_not_be_planned_is_told_in_one_line(options, told, capacity):
    traffic = [] if not options or "--traffic" in options else ["--traffic", "40/s"]
    result = invoked(capacity(), *traffic, *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert told in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "is no capacity.json: name the directory of a 'relayload capacity', or the file in it"),
        ("name: chat", "is no capacity.json: name"),
        ('{"answer": "interval", "reason": "", "exit_code": 0, "proven_per_s": -1}', "a rate is above 0"),
        ('{"answer": "interval", "reason": "", "exit_code": 0, "proven_per_s": 1e300}', "too large"),
        (
            '{"answer": "none", "reason": "", "exit_code": 3, "models": {"o3": {"share": 2, "requests": 1, '
            '"input_tokens": 1, "output_tokens": 1}}}',
            "models.o3 holds a share or tokens that no request has",
        ),
        (
            '{"answer": "none", "reason": "", "exit_code": 3, "prices": {"o3": {"input": "NaN", "output": "1"}}}',
            "prices.o3: expected dollars per million tokens",
        ),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_capacity_is_told_in_one_line(text, told, tmp_path):
    path = tmp_path / "capacity.json"
    path.write_text(text)
    result = invoked(path, "--traffic", "1/s")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert told in result.stderr, result.stderr


def test_a_mix_needs_a_file_that_tells_its_models(capacity):
    result = invoked(capacity(models={}), "--traffic", "1/s", "--mix", "o3=100%")
    assert (result.exit_code, "--resume' adds them" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "less than a minute"),
        (["2023-11-16 18:00:00.0,1,1"], "less than a minute"),
        (["soon,1,1"], "expected a time"),
    ],
)
def test_a_trace_without_rates_is_refused(rows, told, capacity, tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *rows, ""]))
    result = invoked(capacity(), "--trace", path)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert told in result.stderr, result.stderr


def test_a_directory_without_a_capacity_is_named(tmp_path):
    assert "has no capacity.json: name the directory of a" in invoked(tmp_path, "--traffic", "1/s").stderr


def test_the_largest_traffic_still_has_a_cost(capacity):
    many = {"o3": ModelUse(share=1.0, requests=1, input_tokens=1e9, output_tokens=1e9)}
    dear = {"o3": Price(input=Decimal(10**9), output=Decimal(10**9))}
    found = planned(capacity(models=many, prices=dear), "--traffic", "1000000/s")
    assert Decimal(found["cost"]["total"]["offers"][1]["amount"]) > 10**24


def test_users_are_no_rate_to_plan_with(capacity):
    result = invoked(capacity(over=Over.USERS, proven_users=30), "--traffic", "1/s")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "search an open load with --over rate" in result.stderr
