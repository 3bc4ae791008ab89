import pytest

from relayload.core.model.calibration import Spread, Trial, marginal_cpu_s


def trial(**changes: object) -> Trial:
    given: dict[str, object] = {
        "requests": 100,
        "failed": 0,
        "chunks": 0,
        "duration_s": 10.0,
        "cpu_s": 1.0,
        "relay_cpu_share": 0.1,
        "late": None,
        "ttft_error": None,
        "timestamps": "kernel",
        "valid": True,
        "reasons": (),
    }
    return Trial(**{**given, **changes})  # type: ignore[arg-type]


def test_a_spread_has_the_middle_the_hundredth_worst_and_the_worst() -> None:
    assert Spread.of([float(number) for number in range(200, 0, -1)]) == Spread(p50_s=100.0, p99_s=198.0, max_s=200.0)
    assert Spread.of([]) is None


def test_the_cost_of_one_more_is_what_an_idle_process_does_not_use() -> None:
    idle = trial(cpu_s=0.5)
    plain = trial(cpu_s=1.5, requests=5000)
    streamed = trial(cpu_s=2.7, requests=1000, chunks=200_000)
    request_s, chunk_s = marginal_cpu_s(idle, plain, streamed)
    assert request_s == pytest.approx(200e-6)
    assert chunk_s == pytest.approx(10e-6)


@pytest.mark.parametrize(
    ("changes", "sustained"), [({}, True), ({"failed": 1}, False), ({"valid": False, "reasons": ("late",)}, False)]
)
def test_a_load_is_sustained_if_it_was_delivered_and_answered(changes: dict[str, object], sustained: bool) -> None:
    assert trial(**changes).sustained is sustained
