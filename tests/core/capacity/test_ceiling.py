from typing import Any

import pytest
from simulated_relays import bucket, sliding

from relayload.core.capacity.ceiling import Ceiling, ceiling


def found(quota, rate_per_s: int, for_s: int = 120) -> Any:
    admit = quota()
    let_through: list[float] = []
    refused: list[float] = []
    for index in range(rate_per_s * for_s):
        at_s = index / rate_per_s + 0.001 * (index % 7)
        (let_through if admit(at_s) else refused).append(at_s)
    return ceiling(let_through, refused, for_s)


@pytest.mark.parametrize(
    ("size", "window_s", "told"), [(20, 1.0, "20/s"), (600, 60.0, "600/min"), (150, 10.0, "150/10s")]
)
def test_sliding_windows_are_found_with_their_size(size, window_s, told):
    limit = found(sliding(size, window_s), 40)
    assert (limit.requests, limit.window_s, str(limit)) == (size, window_s, told)


def test_of_a_token_bucket_the_rate_is_known():
    limit = found(bucket(20.0, 40), 40)
    assert limit.per_s == pytest.approx(20.0, rel=0.05)
    assert limit.requests is None or limit.requests / limit.window_s == pytest.approx(20.0, rel=0.1)


def test_a_few_refusals_tell_no_window():
    let_through = [0.1 * index for index in range(100)]
    assert ceiling(let_through, [1.0] * 7, 10.0) == Ceiling(per_s=10.0)
    assert ceiling(let_through, [], 10.0) is None
