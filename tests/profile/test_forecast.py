import pytest

from relayload.core.errors import AuthorError
from relayload.core.model.objective_options import TooFew
from relayload.core.objectives.sample_forecast import Outlook
from relayload.profile.forecast import check_samples, forecast

STAGE = "{for: 10s, rate: 5/s}"


def test_each_objective_is_told_what_it_gets(read, good):
    text = good.replace(STAGE, "{for: 10s, rate: 35/s}").replace("kind: open", "kind: open\n  arrivals: constant")
    strict = "{expr: tpot.p99 < 1s, confidence: strict}"
    found = forecast(read(f"{text}objectives: [ttft.p99 < 1s, {strict}, ttft.p50 < 1s]\n"))
    assert [(each.samples, each.needed, each.to_prove, each.outlook) for each in found.objectives] == [
        (350, 100, 299, Outlook.SCARCE),
        (350, 299, 299, Outlook.SCARCE),
        (350, 2, 5, Outlook.AMPLE),
    ]
    assert found.total is not None
    assert found.total.arrivals == 350


def test_objectives_that_can_never_be_decided_are_faults_in_their_places(read, good, tmp_path):
    text = good.replace("prompt: simple}", "prompt: simple, objectives: [tpot.p99 < 1s]}")
    profile = read(
        f"{text}objectives:\n  - ttft.p50 < 1s\n  - expr: ttft.p99 < 1s\n"
        "  - {expr: ttft.p95 < 1s, confidence: strict}\n"
    )
    with pytest.raises(AuthorError) as caught:
        check_samples(profile)
    told = [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]
    assert [line.partition(" and the plan")[0] for line in told] == [
        "p.yaml:10:5: objectives.1 (2nd objective): 'ttft.p99 < 1s' needs 100 requests to be decided,",
        "p.yaml:11:5: objectives.2 (3rd objective): 'ttft.p95 < 1s' needs 59 requests to be proven,",
        "p.yaml:7:52: scenarios.simple.objectives.0 (1st objective): 'tpot{scenario=simple}.p99 < 1s' needs 100 "
        "requests to be decided,",
    ]
    assert all("lengthen the measured stages" in line for line in told)


def test_an_objective_that_only_warns_may_have_too_few(read, good):
    profile = read(f"{good}objectives: [{{expr: ttft.p99 < 1s, severity: warn}}]\n")
    assert forecast(profile).objectives[0].outlook is Outlook.TOO_FEW


def test_an_objective_may_say_what_too_few_requests_mean(read, good):
    profile = read(f"{good}objectives: [{{expr: ttft.p99 < 1s, on_too_few: pass}}]\n")
    assert profile.objectives[0].options.on_too_few is TooFew.PASS
    assert forecast(profile).objectives[0].outlook is Outlook.SCARCE


def test_later_turns_are_counted_as_far_as_they_are_expected(read, good):
    text = good.replace("prompt: simple}", "prompt: simple, conversation: {turns: {from: 2, to: 4}}}").replace(
        "kind: open", "kind: open\n  arrivals: constant"
    )
    found = forecast(read(f"{text}objectives: [latency.p50 < 9s]\n"))
    assert found.later_turns == 100
    assert found.objectives[0].samples == 150


@pytest.mark.parametrize(
    ("load", "over", "samples"),
    [
        (
            "{kind: open, arrivals: constant, stages: [{for: 10s, rate: 20/s}, {pause: 10s}, {for: 10s, rate: 9/s}]}",
            5,
            45,
        ),
        (
            "{kind: open, arrivals: constant, stages: [{for: 10s, rate: 20/s}, {pause: 9s}, {for: 10s, rate: 9/s}]}",
            5,
            9,
        ),
        ("{kind: open, arrivals: constant, stages: [{for: 11s, rate: 4/s}]}", 10, 44),  # the rest counts with it
        ("{kind: open, arrivals: constant, stages: [{for: 17s, rate: 4/s}]}", 10, 28),
    ],
)
def test_windows_are_those_in_which_something_is_due(load, over, samples, read, good):
    text = good.replace(good[good.index("load:") : good.index("scenarios:")], f"load: {load}\n")
    found = forecast(read(f"{text}objectives: [{{expr: errors.rate < 5%, over: {over}s}}]\n"))
    assert (found.objectives[0].samples, found.objectives[0].needed) == (samples, 20)


def test_pauses_between_bursts_promise_nothing(read, good):
    load = "{kind: open, arrivals: {bursts: {on: 4s, off: 6s}}, stages: [{for: 30s, rate: 10/s}]}"
    text = good.replace(good[good.index("load:") : good.index("scenarios:")], f"load: {load}\n")
    found = forecast(read(f"{text}objectives: [{{expr: errors.rate < 5%, over: 5s}}]\n"))
    assert (found.objectives[0].samples or 0) > 80
    assert found.objectives[0].outlook is Outlook.AMPLE
    with pytest.raises(AuthorError, match="asks for 4 of its windows in a row, and the plan has 3"):
        forecast(read(f"{text}objectives: [{{expr: errors.rate < 5%, over: 5s, for: 4}}]\n"))
    with pytest.raises(AuthorError, match="needs 1,000 requests to be decided in each of its windows, and"):
        forecast(read(f"{text}objectives: [{{expr: latency.p99.9 < 5s, over: 5s}}]\n"))


def test_a_closed_load_can_not_be_counted_and_is_not_refused(read, good):
    text = good.replace("kind: open", "kind: closed\n  users: 2").replace(STAGE, "{for: 10s}")
    profile = read(f"{text}objectives: [ttft.p99.9 < 1s]\n")
    check_samples(profile)
    assert forecast(profile).objectives[0].outlook is Outlook.UNKNOWN


SCHEMA = "{type: json_schema, json_schema: {name: a, schema: {type: object}}}"
CALLS, FITS = "tool_calls.valid.rate > 90%", "structured_output.valid.rate > 90%"


@pytest.mark.parametrize(
    ("objective", "keys"),
    [
        (CALLS, "tools: [{type: function, function: {name: f}}]"),
        (CALLS, "body: {tools: [{type: function, function: {name: f}}]}"),
        (CALLS, "body: {functions: [{name: f}]}"),
        (FITS, f"response_format: {SCHEMA}"),
        (FITS, "response_format: {type: json_object}"),
        (FITS, "endpoint: responses, body: {text: {format: {type: json_schema, name: a, schema: {type: object}}}}"),
    ],
)
def test_only_requests_that_ask_for_calls_or_a_schema_count_for_objectives_on_these(read, good, objective, keys):
    asking = good.replace("prompt: simple}", f"prompt: simple, {keys}}}\n  plain: {{model: o3, prompt: simple}}")
    text = asking.replace("kind: open", "kind: open\n  arrivals: constant")
    whole, part = forecast(read(f"{text}objectives: [requests.count > 1, '{objective}']\n")).objectives
    assert whole.samples == 50
    assert part.samples is not None
    assert 10 <= part.samples <= 40


@pytest.mark.parametrize(
    ("objective", "keys"),
    [
        (CALLS, "stream: true"),
        (CALLS, "tools: [{type: function, function: {name: f}}], body: {tools: null}"),
        (FITS, "response_format: {type: text}"),
        ("stall{chunk_gap>2s}.count == 0", "stream: false"),
        ("stream.broken.count == 0", "stream: false"),
        ("stream.coalesced.rate < 10%", "stream: false"),
    ],
)
def test_what_no_scenario_asks_for_is_a_fault(read, good, objective, keys):
    text = good.replace("prompt: simple}", f"prompt: simple, {keys}}}")
    with pytest.raises(AuthorError, match=r"needs requests for .*, and the plan has 0: "):
        check_samples(read(f"{text}objectives: ['{objective}']\n"))
