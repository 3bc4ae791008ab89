from decimal import Decimal

import pytest

from relayload.core.capacity.advice import Advice, advise
from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.findings import with_findings
from relayload.core.capacity.good_requests import good_objectives
from relayload.core.capacity.measures import Measures, ModelTokens
from relayload.core.capacity.measuring import measure
from relayload.core.capacity.model_use import ModelUse, model_uses
from relayload.core.capacity.trial import Decision, Purpose, Trial
from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Outcome
from relayload.core.model.run import StageInfo
from relayload.core.objectives.grammar import parse
from relayload.core.price import ANY, Price

STAGES = (StageInfo(name="warm", for_s=10.0, warmup=True), StageInfo(name="steady", for_s=90.0))
PRICE = Price(input=Decimal(2), output=Decimal(8))
TOKENS = ModelTokens(requests=10, with_input=10, with_output=5, input_tokens=1000, output_tokens=100)


def trial(decision: Decision = Decision.PASS, **models: ModelTokens) -> Trial:
    return Trial(
        number=1,
        purpose=Purpose.SEARCH,
        rate_per_s=10.0,
        warmup_s=10.0,
        measured_s=30.0,
        decision=decision,
        measures=Measures(models=models),
    )


@pytest.fixture
def measured(folded, make_run):
    def measure_of(lines, *texts: str, **run) -> Measures:
        info = make_run(stages=STAGES, prices={"o3": PRICE}, **run)
        goods = good_objectives([parse(text) for text in texts], ["simple"])
        fold = folded(lines, goods, info)
        return measure(fold, info, summarize(fold, info), goods)

    return measure_of


def test_the_measures_of_a_trial(measured, request_line):
    lines = [request_line(index, measured=index >= 10, service_s=3.0 if index % 3 == 0 else 0.5) for index in range(99)]
    found = measured(lines, "latency.p90 < 1s")
    assert (found.requests, found.good) == (89, 60)
    assert found.usd == pytest.approx(89 * (20 * 2 + 10 * 8) / 1e6)
    assert found.usd_per_1000_good == pytest.approx(89 * 120 / 1e6 * 1000 / 60, rel=1e-3)
    assert found.models["o3"] == ModelTokens(
        requests=99, with_input=99, with_output=99, input_tokens=1980, output_tokens=990
    )
    assert (found.ttft_p50_s, found.ttft_p99_s) == (0.1, 0.1)
    assert found.latency_p99_s == pytest.approx(3.001)
    assert found.in_flight is not None
    assert found.in_flight.mean == pytest.approx((29 * 3.001 + 60 * 0.501) / 90, rel=0.02)
    assert not found.in_flight.beyond


def test_retries_count_with_the_request_and_not_as_its_answer(measured, request_line):
    first = request_line(0).attempts[0]
    found = measured([request_line(20, retried=(first,)), request_line(21, outcome=Outcome.TIMED_OUT)])
    assert found.models["o3"].input_tokens == 20
    assert found.good == 1


def test_without_prices_or_good_requests_there_are_no_dollars_for_them(measured, request_line):
    assert measured([request_line(20, model="o9")]).usd_per_1000_good is None
    assert measured([request_line(20, service_s=3.0)], "latency.p90 < 1s").usd_per_1000_good is None


def test_too_many_requests_to_keep_each_have_no_in_flight(folded, make_run, request_line):
    run = make_run(stages=STAGES)
    fold = folded([request_line(index) for index in range(99)], good_objectives([], ["simple"]), run, most_exact=10)
    assert measure(fold, run, summarize(fold, run), good_objectives([], ["simple"])).in_flight is None


def test_what_a_request_takes_is_the_mean_of_those_that_told_it():
    uses = model_uses([trial(o3=TOKENS), trial(o3=TOKENS, o4=TOKENS), trial(Decision.VOID, o4=TOKENS)])
    assert uses["o3"] == ModelUse(share=2 / 3, requests=20, input_tokens=100.0, output_tokens=20.0)
    assert uses["o4"].tokens == 120.0
    untold = model_uses([trial(o3=ModelTokens(requests=5, with_input=0, with_output=5, output_tokens=50))])
    assert (untold["o3"].input_tokens, untold["o3"].output_tokens, untold["o3"].tokens) == (None, 10.0, None)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((12.6, 15.0, None), Advice(quota=("12/s", "756/min"), alert_per_s=10.08, breaks_per_s=15.0)),
        ((0.5, None, None), Advice(quota=("30/min",), alert_per_s=0.4)),
        ((0.01, None, None), Advice(quota=("36/h",), alert_per_s=0.008)),
        (
            (None, 30.0, Ceiling(per_s=20.0, requests=20, window_s=1.0)),
            Advice(quota=("20/s", "1200/min"), alert_per_s=16.0, breaks_per_s=30.0, basis="ceiling"),
        ),
        ((18.0, 30.0, Ceiling(per_s=20.0)), Advice(quota=("18/s", "1080/min"), alert_per_s=14.4, breaks_per_s=30.0)),
        ((None, 20.0, None), None),
    ],
)
def test_the_advice_rests_on_what_is_proven_or_a_quota(rates, expected):
    assert advise(*rates) == expected


def test_the_findings_go_beside_the_answer():
    capacity = Capacity(
        answer=Kind.AT_LEAST, reason="", exit_code=0, proven_per_s=10.0, trials=(trial(o3=TOKENS, o9=TOKENS),)
    )
    found = with_findings(capacity, {"o3": PRICE, "o4": PRICE})
    assert found.prices == {"o3": PRICE}
    assert set(found.models) == {"o3", "o9"}
    assert found.advice is not None
    assert set(with_findings(capacity, {ANY: PRICE}).prices) == {"o3", "o9"}
    assert with_findings(found, {}).models == found.models
