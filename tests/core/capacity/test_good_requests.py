import pytest

from relayload.core.capacity.good_requests import good, good_objectives
from relayload.core.model.objective_options import ObjectiveOptions, Severity
from relayload.core.model.record import Outcome
from relayload.core.objectives.grammar import parse, with_options

SCENARIOS = ("chat", "code")


def conditions(*texts: str, scenario: str = "chat") -> list[str]:
    found = good_objectives([parse(text) for text in texts], SCENARIOS)
    return [str(each) for each in found[SCENARIOS.index(scenario)].conditions]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["errors.rate < 1%"], []),
        (["ttft.p95 < 1s", "errors.rate < 1%"], ["ttft.p95 < 1s"]),
        (["ttft.p50 < 1s", "ttft.p99 < 5s", "ttft.p90 < 2s"], ["ttft.p99 < 5s"]),
        (["output_rate.p5 > 30/s", "output_rate.p1 > 10/s"], ["output_rate.p1 > 10/s"]),
        (["goodput{latency<4s}.rate >= 90%"], ["latency<4s"]),
        (["latency.avg < 2s", "tpot.p95 < 50ms"], ["tpot.p95 < 50ms"]),
        (["ttft{scenario=chat}.p95 < 1s", "ttft{scenario=code}.p95 < 3s"], ["ttft{scenario=chat}.p95 < 1s"]),
        (["ttft{scenario!=chat}.p95 < 1s", "ttft{model=o3}.p95 < 3s"], []),
        (["ttft.min < 1s"], []),
    ],
)
def test_what_the_objectives_promise_a_request(texts, expected):
    assert conditions(*texts) == expected


def test_warnings_promise_nothing():
    warning = with_options(parse("ttft.p95 < 1s"), ObjectiveOptions(severity=Severity.WARN))
    assert good_objectives([warning], ["chat"])[0].conditions == ()


def test_requests_are_good_if_they_end_ok_within_the_limits_of_their_scenario(indicators, make_run, request_line):
    promised = [parse("ttft{scenario=chat}.p95 < 1s"), parse("latency.p99 < 5s")]
    lines = [
        request_line(0, scenario="chat"),
        request_line(1, scenario="chat", ttft_s=2.0, service_s=3.0),
        request_line(2, scenario="chat", outcome=Outcome.TIMED_OUT),
        request_line(3, scenario="code", ttft_s=2.0, service_s=3.0),
        request_line(4, scenario="code", service_s=6.0),
        request_line(5, scenario="code", outcome=Outcome.CANCELLED),
        request_line(6, scenario="chat", measured=False),
    ]
    goods = good_objectives(promised, SCENARIOS)
    assert good(goods, indicators(goods, lines, make_run())) == (2, 5)
