import pytest

from relayload.core.limits.findings import Counts, FoundLimit, Kind
from relayload.core.limits.profile_block import max_in_flight, quota


def limit(amount: int, window_s: float | None, **more) -> FoundLimit:
    return FoundLimit(**{"counts": Counts.REQUESTS, "amount": amount, "window_s": window_s, **more})


@pytest.mark.parametrize(
    ("found", "written"),
    [
        (limit(300, 60.0), "299/min"),
        (limit(10, 1.0), "9/s"),
        (limit(5, 2.0), "142/min"),
        (limit(1, 2.0), "28/min"),
        (limit(60, 3600.0), "59/h"),
        (limit(99, 1.0, amount_at_most=101), "90/s"),
        (limit(40, 2.0, kind=Kind.BUCKET, refill_per_s=20.0), "20/s"),
        (limit(300, 60.0, kind=Kind.BUCKET, refill_per_s=4.99), "299/min"),
    ],
)
def test_a_quota_stays_below_the_limit(found: FoundLimit, written: str):
    assert quota([found]) == {"requests": [written]}


def test_what_can_not_be_told_is_left_out():
    unknown = limit(60, None, longer_than_s=600.0)
    in_flight = limit(5, None, counts=Counts.CONCURRENT)
    assert quota([unknown, in_flight]) == {}
    assert max_in_flight([unknown, in_flight]) == 5
