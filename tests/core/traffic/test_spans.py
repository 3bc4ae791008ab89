from statistics import NormalDist

import pytest

from relayload.core.traffic.curves import LogNormal, Normal
from relayload.core.traffic.spans import Exponential, Fixed, FromCurve, Span, Uniform

P99 = 0.99
Z90 = NormalDist().inv_cdf(0.9)


@pytest.mark.parametrize(
    ("span", "low", "middle", "high"),
    [
        (Fixed(2.0), 2.0, 2.0, 2.0),
        (Uniform(1.0, 3.0), 1.2, 2.0, 2.8),
        (Exponential(2.0), 0.21072, 1.38629, 4.60517),
        (Exponential(2.0, 1.0, 3.0), 1.0, 1.38629, 3.0),
        (FromCurve(Normal(5.0, 2.0)), 5.0 - 2 * Z90, 5.0, 5.0 + 2 * Z90),
        (FromCurve(Normal(1.0, 2.0), most_s=1.5), 0.0, 1.0, 1.5),
        (FromCurve(LogNormal(2.0, 0.0)), 2.0, 2.0, 2.0),
    ],
)
def test_quantiles_are_those_of_the_distribution(span: Span, low: float, middle: float, high: float) -> None:
    assert [span.at(u) for u in (0.1, 0.5, 0.9)] == pytest.approx([low, middle, high], abs=1e-5)


def test_a_log_normal_goes_through_its_percentiles() -> None:
    span = FromCurve(LogNormal.through(2.0, 20.0))
    assert [span.at(0.5), span.at(P99)] == pytest.approx([2.0, 20.0])
