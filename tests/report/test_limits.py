"""How limits are shown, and the lines for a profile."""

import pytest
import yaml

from relayload.core.limits.findings import Counts, FoundLimit, Kind, Limits, Per, RetryAfter, StatedLimit, Unlimited
from relayload.report.limits import profile_block, render_limits

ASKS_TOO_LONG = RetryAfter(asked_s=60.0, passed_after_s=3.0, uncertain_s=0.1, too_long_s=57.0, too_short_s=0.0)
WINDOW = FoundLimit(
    counts=Counts.REQUESTS,
    amount=12,
    kind=Kind.SLIDING,
    window_s=3.0,
    per=Per.KEY,
    refused_count=False,
    retry_after=ASKS_TOO_LONG,
    refusals=70,
)
HOUR = FoundLimit(
    counts=Counts.REQUESTS, amount=60, longer_than_s=580.0, not_told=("kind and length: nothing was let through again",)
)
BUCKET = FoundLimit(
    counts=Counts.TOKENS, amount=1960, amount_at_most=2040, kind=Kind.BUCKET, window_s=1.0, refill_per_s=2000.0
)
LIMITS = Limits(
    target="https://relay.example/v1",
    keys=("a", "b"),
    limits=(WINDOW, HOUR, BUCKET),
    no_limit_up_to=(Unlimited(counts=Counts.CONCURRENT, amount=64),),
    stated=(StatedLimit(header="x-ratelimit-limit-requests", limit=10, true=False, remark="no: found 12 requests/3s"),),
    ended_by="--max-time was reached: 600s",
    requests=1200,
    tokens=9000,
    took_s=600.0,
    client={"requests": ["240/min"], "tokens": ["2000/s"]},
    max_in_flight=5,
)


@pytest.mark.parametrize(
    "line",
    [
        "3 limits found at https://relay.example/v1",
        "12 requests/3s: asks to retry after 1m; passed after 3.00s (the try 100ms before was refused)",
        "before was refused); refusals ask up to 57.0s too long",
        "60 requests, window not told: its window is longer than 9m40s, all that could be afforded",
        "1,960 to 2,040 tokens/s: refilled at about 2,000/s",
        "no limit up to 64 in flight",
        "header x-ratelimit-limit-requests: 10 is false: no: found 12 requests/3s",
        "ended before everything was tried: --max-time was reached: 600s",
    ],
)
def test_everything_found_is_told(line: str):
    assert " ".join(line.split()) in " ".join(render_limits(LIMITS).split())


def test_the_lines_for_a_profile_are_yaml():
    assert yaml.safe_load(profile_block(LIMITS)) == {
        "client": {"quota": {"requests": ["240/min"], "tokens": ["2000/s"]}},
        "load": {"max_in_flight": 5},
    }
    own = Limits(keys=("a", "b"), limits=(WINDOW,), client={"requests": ["240/min"]})
    assert yaml.safe_load(profile_block(own)) == {"client": {"quota": {"requests": ["240/min"], "per": "key"}}}
    assert profile_block(Limits()) == ""
