import pytest

from relayload.core.objectives.grammar import parse
from relayload.core.objectives.validation import pointless

ALWAYS = "always holds, whatever happens: write another limit"
NEVER = "can never hold: write another limit"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("errors.rate <= 100%", ALWAYS),
        ("errors.rate < 101%", ALWAYS),
        ("errors.rate >= 0%", ALWAYS),
        ("errors.rate != 200%", ALWAYS),
        ("goodput{ttft<1s}.rate >= 0%", ALWAYS),
        ("goodput{ttft<1s}.rate <= 100%", ALWAYS),
        ("throughput.per_second >= 0", ALWAYS),
        ("requests.count >= 0", ALWAYS),
        ("breaker.trips >= 0", ALWAYS),
        ("errors.rate < 0%", NEVER),
        ("errors.rate > 100%", NEVER),
        ("errors.rate == 101%", NEVER),
        ("goodput{ttft<1s}.rate >= 190%", NEVER),
        ("ttft.p50 < 0ms", NEVER),
        ("latency.max < 0s", NEVER),
        ("errors.count < 0", NEVER),
        ("cost.usd < $0", NEVER),
        ("errors.rate <= 0%", None),
        ("errors.rate < 100%", None),
        ("errors.rate == 0%", None),
        ("errors.rate != 0%", None),
        ("goodput{ttft<1s}.rate >= 100%", None),
        ("retries.rate < 150%", None),
        ("latency.p99 >= 0ms", None),
        ("ttft.p50 <= 0ms", None),
        ("requests.count > 0", None),
        ("breaker.trips == 0", None),
        ("cost.usd <= $0", None),
    ],
)
def test_a_limit_that_decides_nothing_is_told(text: str, wrong: str | None):
    assert pointless(parse(text)) == wrong
