from typing import Any

import pytest

from relayload.core.wire.request import Timeouts
from relayload.profile.loads import ClosedLoad, OpenLoad
from relayload.profile.prompt import PromptText
from relayload.profile.trace.options import Trace


def test_what_is_not_said_has_a_default(read, good):
    profile = read(good)
    assert (profile.seed, profile.driver, profile.client, profile.objectives) == (0, "native", None, ())
    assert profile.target.fake_preset == "o-series"
    load, scenario = profile.load, profile.scenarios["simple"]
    assert isinstance(load, OpenLoad)
    assert (load.arrivals, load.max_in_flight, load.limits, load.graceful_stop_s) == ("poisson", 1000, None, 30.0)
    assert (scenario.weight, scenario.stream, scenario.max_output_tokens, scenario.temperature) == (
        1.0,
        True,
        None,
        None,
    )
    assert profile.timeouts == Timeouts()


def test_every_word_of_an_open_load_is_read(read):
    profile = read("""\
name: all
seed: 7
target: {base_url: 'http://localhost:4000/v1', api_key: sk-mine}
driver: openai
load:
  kind: open
  arrivals: constant
  max_in_flight: 20
  limits: {per_second: 5, per_minute: 100}
  graceful_stop: 0s
  stages:
    - {for: 10s, rate: 60/min, warmup: true}
    - {name: ramp, for: 1m, rate: 1/s, to: 5/s}
scenarios:
  my-own:
    weight: 0.5
    model: gpt
    prompt: {text: 'Hello'}
    stream: false
    max_output_tokens: 9
    temperature: 0
    reasoning_effort: xhigh
objectives: [errors.rate < 1%, {expr: ttft.p99 < 1s}]
""")
    load, scenario = profile.load, profile.scenarios["my-own"]
    assert isinstance(load, OpenLoad)
    assert (profile.seed, profile.driver, profile.target.api_key.reveal()) == (7, "openai", "sk-mine")
    stages: list[Any] = list(load.stages)
    assert [(s.name, s.for_s, s.rate_per_s, s.to_per_s, s.warmup) for s in stages] == [
        ("stage-1", 10.0, 1.0, None, True),
        ("ramp", 60.0, 1.0, 5.0, False),
    ]
    assert load.limits is not None
    assert (load.limits.per_second, load.limits.per_minute, load.graceful_stop_s) == (5, 100, 0.0)
    assert scenario.prompt == PromptText(text="Hello")
    assert (scenario.weight, scenario.stream, scenario.max_output_tokens) == (0.5, False, 9)
    assert (scenario.temperature, scenario.reasoning_effort) == (0.0, "xhigh")
    assert [objective.text for objective in profile.objectives] == ["errors.rate < 1%", "ttft.p99 < 1s"]


def test_a_closed_load_has_users_who_think(read, good):
    start, end = good.index("load:"), good.index("scenarios:")
    closed = "load: {kind: closed, users: 5, think_time: 1500ms, stages: [{for: 10s}]}\n"
    load = read(good[:start] + closed + good[end:]).load
    assert isinstance(load, ClosedLoad)
    assert (load.users, load.think_time, load.stages[0].name, load.stages[0].for_s) == (5, 1.5, "stage-1", 10.0)


@pytest.mark.parametrize(
    ("client", "timeouts"),
    [
        ("{}", Timeouts()),
        ("{timeout: 90s}", Timeouts(total_s=90.0)),
        ("{timeout: {connect: 1s, first_token: 20s, gap: 5s, total: null}}", Timeouts(1.0, 20.0, 5.0, None)),
        ("{timeout: {connect: null}}", Timeouts(connect_s=None)),
    ],
)
def test_a_timeout_is_a_total_or_said_phase_by_phase(read, good, client, timeouts):
    assert read(f"{good}client: {client}\n").timeouts == timeouts


def test_a_trace_is_looked_for_beside_its_profile_and_then_where_one_works(
    read, good, trace_file, tmp_path, monkeypatch
):
    path = trace_file("2023-11-16 18:15:46.68,1,1")
    text = good.replace("stages:\n    - {for: 10s, rate: 5/s}", "arrivals: {trace: azure.csv, format: azure}")
    assert read(text).load.arrivals == Trace(trace=path, format="azure")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path.rename(elsewhere / "azure.csv")
    monkeypatch.chdir(elsewhere)
    assert str(read(text).load.arrivals.trace) == "azure.csv"


def test_a_profile_does_not_change_once_it_is_read(read, good):
    with pytest.raises(ValueError, match="frozen"):
        read(good).seed = 5
