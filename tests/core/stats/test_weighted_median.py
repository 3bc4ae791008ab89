import pytest

from relayload.core.stats.weighted_median import weighted_median


@pytest.mark.parametrize(
    ("values", "median"),
    [
        ([(3.0, 1.0)], 3.0),
        ([(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 2.0),
        ([(1.0, 1.0), (2.0, 1.0)], 1.0),
        ([(1.0, 5.0), (2.0, 1.0), (3.0, 3.0)], 1.0),
        ([(1.0, 1.0), (2.0, 1.0), (9.0, 2.1)], 9.0),
    ],
)
def test_half_of_the_weight_is_at_or_below_it(values: list[tuple[float, float]], median: float) -> None:
    assert weighted_median(values) == median
