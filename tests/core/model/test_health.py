import pytest

from relayload.core.model.health import Thresholds, doubts

DEFAULT = Thresholds()


def told(thresholds: Thresholds = DEFAULT, **numbers: object) -> tuple[str, ...]:
    given = {
        "started": 1000,
        "late": 0,
        "dropped": {},
        "lost": 0,
        "timestamps": "kernel",
        "loop_lag_p95_s": 0.001,
        "loop_lag_p99_s": 0.001,
        **numbers,
    }
    return doubts(thresholds, **given)  # type: ignore[arg-type]


def test_a_punctual_generator_is_believed() -> None:
    assert told() == ()


@pytest.mark.parametrize(("late", "doubted"), [(10, False), (11, True)])
def test_one_start_in_a_hundred_may_be_late(late: int, doubted: bool) -> None:
    assert bool(told(late=late)) is doubted


def test_one_late_start_alone_is_no_bottleneck_unless_none_may_be_late() -> None:
    assert told(started=60, late=1) == ()
    assert told(started=60, late=2) != ()
    assert told(Thresholds(late_share=0.0), started=60, late=1) != ()


def test_late_starts_are_told_with_their_number() -> None:
    assert told(started=100, late=30) == (
        "the generator was the bottleneck: 30 of 100 requests started more than 50.0ms late; "
        "use more processes or a lower rate",
    )


def test_any_drop_is_doubted_unless_the_profile_allows_it() -> None:
    assert "1 of 1001 arrivals were dropped" in told(dropped={"max_in_flight": 1})[0]
    assert told(Thresholds(drop_share=0.01), dropped={"max_in_flight": 10}) == ()


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("max_in_flight", "; raise load.max_in_flight, or allow for them in generator.drop_share"),
        ("late", "; they were too late for load.limits, so use machines that are less busy, or"),
        ("lease", "; their workers were held up or cut off from the master, so look at"),
        ("another", "; the recording says why: another, or"),
    ],
)
def test_the_advice_is_by_the_reason_for_the_drops(reason: str, advice: str) -> None:
    assert advice in told(dropped={reason: 2})[0]


def test_drops_for_several_reasons_are_told_one_by_one() -> None:
    (told_of_both,) = told(dropped={"late": 2, "lease": 3})
    assert "5 of 1005 arrivals were dropped; 2 of them: they were too late" in told_of_both
    assert "; 3 of them: their workers were held up" in told_of_both


def test_a_hundredth_of_the_arrivals_may_be_lost() -> None:
    assert told(started=990, lost=10) == ()
    assert told(started=989, lost=11) == (
        "the load was not delivered: 11 of 1000 arrivals were lost with workers that died, were cut off or failed; "
        "allow for them in generator.lost_share if the rest is enough",
    )
    assert told(Thresholds(lost_share=0.5), started=500, lost=500) == ()


@pytest.mark.parametrize(
    ("timestamps", "lag_s", "doubted"),
    [("kernel", 0.5, False), ("user", 0.01, False), ("user", 0.011, True), ("user", None, False), (None, 1.0, False)],
)
def test_a_lagging_loop_matters_where_the_kernel_gives_no_timestamps(
    timestamps: str | None, lag_s: float | None, doubted: bool
) -> None:
    assert bool(told(timestamps=timestamps, loop_lag_p99_s=lag_s)) is doubted


@pytest.mark.parametrize(("lag_s", "doubted"), [(0.05, False), (0.051, True)])
def test_a_loop_that_lags_sends_late_whatever_the_timestamps(lag_s: float, doubted: bool) -> None:
    assert any("event loop lagged" in reason for reason in told(loop_lag_p95_s=lag_s)) is doubted


def test_attempts_that_found_nothing_left_on_this_machine_are_doubted() -> None:
    (reason,) = told(starved=3)
    assert reason.startswith("3 requests found no open file or port left on this machine")


def test_a_run_without_requests_is_judged_by_others() -> None:
    assert told(started=0) == ()
