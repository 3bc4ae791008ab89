import pytest

from relayload.core.metrics.generator_health import health_of
from relayload.core.model.health import Thresholds


@pytest.mark.parametrize(("late", "valid"), [(1, True), (2, False)])
@pytest.mark.parametrize("measured", [True, False])
def test_late_starts_count_in_every_stage_also_in_a_warm_up(request_line, folded, measured, late, valid):
    punctual = [request_line(index) for index in range(100 - late)]
    delayed = [
        request_line(index, late_s=0.06, stage="steady" if measured else "warm", measured=measured)
        for index in range(100 - late, 100)
    ]
    health = health_of(folded([*punctual, *delayed]), Thresholds(), errors=(), late_p99_s=None, faults=())
    assert (health.valid, len(health.reasons)) == (valid, 0 if valid else 1)
