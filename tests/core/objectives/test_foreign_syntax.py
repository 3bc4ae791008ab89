import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.objectives.foreign_syntax import candidates
from relayload.core.objectives.grammar import meant, parse


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("p95(ttft) < 500ms", "ttft.p95 < 500ms"),
        ("ttft.p(95) < 500ms", "ttft.p95 < 500ms"),
        ("TTFT.P95 < 500ms", "ttft.p95 < 500ms"),
        ("ttft 99th percentile < 1s", "ttft.p99 < 1s"),
        ("p99_ttft < 1s", "ttft.p99 < 1s"),
        ("median(ttft) < 1s", "ttft.p50 < 1s"),
        ("avg(latency) < 2 seconds", "latency.avg < 2s"),
        ("max of ttft < 3s", "ttft.max < 3s"),
        ("500ms > p95(ttft)", "ttft.p95 < 500ms"),
        ("ttft.p95 ≤ 300", "ttft.p95 <= 300ms"),
        ("ttft.p95 < 0.3", "ttft.p95 < 0.3s"),
        ("latency < 500ms", "latency.p95 < 500ms"),
        ("ttft{scenario=a, stage!=b}.P95 < 300", "ttft{scenario=a, stage!=b}.p95 < 300ms"),
        ("http_req_duration: p(95)<500", "latency.p95 < 500ms"),
        ("http_req_waiting: avg<200", "ttft.avg < 200ms"),
        ("http_req_failed: rate<0.01", "errors.rate < 1%"),
        ("http_req_failed < 0.01", "errors.rate < 1%"),
        ("http_reqs: count>100", "requests.count > 100"),
        ("http_reqs: rate>100", "throughput.per_second > 100/s"),
        ("checks: rate>0.9", "errors.rate < 10%"),
        ("success_rate >= 99.9%", "errors.rate <= 0.1%"),
        ("errors < 1%", "errors.rate < 1%"),
        ("errors == 0", "errors.count == 0"),
        ("errors < 5", "errors.count < 5"),
        ("error_rate < 0.05", "errors.rate < 5%"),
        ("rps >= 20rps", "throughput.per_second >= 20/s"),
        ("qps > 300 per minute", "throughput.per_second > 300/min"),
        ("itl.p95 < 50ms", "tpot.p95 < 50ms"),
        ("time_to_first_token_p99 < 1s", "ttft.p99 < 1s"),
        ("e2e_latency.p99 < 20s", "latency.p99 < 20s"),
        ("tokens_per_second > 1,000 tok/s", "output_tokens.per_second > 1000/s"),
        ("goodput{ttft<200ms} > 95%", "goodput{ttft<200ms}.rate > 95%"),
        ("breaker_trips == 0", "breaker.trips == 0"),
        ("breaker_open_time < 5s", "breaker.open_time < 5s"),
        ("cost < 2 USD", "cost.usd < $2"),
        ("latncy.p99 < 300", "latency.p99 < 300ms"),
        ("http_req_duration{scenario:a}: p(99)<300", "latency{scenario=a}.p99 < 300ms"),
        ("http_req_duration{expected_response:true}: p(95)<500", "latency{outcome=ok}.p95 < 500ms"),
        ('ttft{scenario="a"}.p95 < 300', "ttft{scenario=a}.p95 < 300ms"),
        ("p99 < 2s", "latency.p99 < 2s"),
        ("p(95)<500", "latency.p95 < 500ms"),
        ("95%ile < 200ms", "latency.p95 < 200ms"),
        ("ttft 99 %tile < 1s", "ttft.p99 < 1s"),
        ("success == 100%", "errors.rate == 0%"),
        ("iterations > 100", "requests.count > 100"),
    ],
)
def test_the_whole_objective_is_asked_back_in_our_own_spelling(text: str, ours: str):
    assert meant(text) == ours
    assert parse(ours).text == ours
    with pytest.raises(ValueError, match="did you mean") as error:
        parse(text)
    assert str(error.value).endswith(f"did you mean '{ours}'?")


@pytest.mark.parametrize(
    "text", ["", "ttft", "ttft.p99", "ttft.p99 <", "hello < 1s", "ttft.p99 < 1 fortnight", "a < b", "success > 101%"]
)
def test_where_nobody_can_tell_nothing_is_guessed(text: str):
    assert meant(text) is None


@given(st.text(max_size=60) | st.text(alphabet="ptf95().<>=:{} _,%sm/$", max_size=40))
def test_no_text_ends_in_anything_but_guesses(text: str):
    assert all(isinstance(each, str) for each in candidates(text))
