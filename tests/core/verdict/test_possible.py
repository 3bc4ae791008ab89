import pytest

from relayload.core.verdict.grammar import parse
from relayload.core.verdict.possible import pointless


@pytest.mark.parametrize(
    "text",
    [
        "errors.rate <= 100%",
        "errors.rate < 101%",
        "errors.rate >= 0%",
        "errors.rate != 200%",
        "goodput{ttft<1s}.rate >= 0%",
        "goodput{ttft<1s}.rate <= 100%",
        "throughput.per_second >= 0",
        "requests.count >= 0",
        "breaker.trips >= 0",
    ],
)
def test_what_always_holds_is_told(text: str):
    assert pointless(parse(text)) == "always holds, whatever happens: write another limit"


@pytest.mark.parametrize(
    "text",
    [
        "errors.rate < 0%",
        "errors.rate > 100%",
        "errors.rate == 101%",
        "goodput{ttft<1s}.rate >= 190%",
        "ttft.p50 < 0ms",
        "latency.max < 0s",
        "errors.count < 0",
        "cost.usd < $0",
    ],
)
def test_what_can_never_hold_is_told(text: str):
    assert pointless(parse(text)) == "can never hold: write another limit"


@pytest.mark.parametrize(
    "text",
    [
        "errors.rate <= 0%",
        "errors.rate < 100%",
        "errors.rate == 0%",
        "errors.rate != 0%",
        "goodput{ttft<1s}.rate >= 100%",
        "retries.rate < 150%",
        "latency.p99 >= 0ms",
        "ttft.p50 <= 0ms",
        "requests.count > 0",
        "breaker.trips == 0",
        "cost.usd <= $0",
    ],
)
def test_what_may_hold_or_not_is_as_it_should_be(text: str):
    assert pointless(parse(text)) is None
