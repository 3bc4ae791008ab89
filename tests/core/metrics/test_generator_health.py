import pytest

from relayload.core.metrics.generator_health import health_of, stepped_clocks
from relayload.core.metrics.summary import GeneratorHealth
from relayload.core.model.health import Thresholds
from relayload.core.model.run import ProfileInfo, RunInfo, WorkerInfo


@pytest.mark.parametrize(("late", "valid"), [(1, True), (2, False)])
@pytest.mark.parametrize("measured", [True, False])
def test_late_starts_count_in_every_stage_also_in_a_warm_up(request_line, folded, make_run, measured, late, valid):
    punctual = [request_line(index) for index in range(100 - late)]
    delayed = [
        request_line(index, late_s=0.06, stage="steady" if measured else "warm", measured=measured)
        for index in range(100 - late, 100)
    ]
    health = health_of(folded([*punctual, *delayed]), make_run(), errors=(), late_p99_s=None, faults=())
    assert (health.valid, len(health.reasons)) == (valid, 0 if valid else 1)


def told(*reports: WorkerInfo, late_s: float = 0.05) -> RunInfo:
    return RunInfo(
        run_id="run",
        profile=ProfileInfo(name="trial", sha256="0" * 64),
        started_at="2026-01-02T03:04:05Z",
        load_kind="open",
        stages=(),
        workers=len(reports),
        base_url="http://127.0.0.1:8000/v1",
        thresholds=Thresholds(late_s=late_s),
        worker_reports=reports,
    )


def remote(worker: int, error_s: float, clock_steps: int = 0) -> WorkerInfo:
    return WorkerInfo(
        worker=worker,
        started=1,
        host=f"host-{worker}",
        clock_offset_s=-86_400.0,
        clock_error_s=error_s,
        clock_steps=clock_steps,
    )


def health(folded, run: RunInfo) -> GeneratorHealth:
    return health_of(folded([]), run, errors=(), late_p99_s=None, faults=())


def test_the_worst_clock_is_told_and_may_be_off_by_what_is_late(folded) -> None:
    found = health(folded, told(remote(0, 0.0), remote(1, 0.05), remote(2, 0.002)))
    assert (found.clock_error_s, found.reasons) == (0.05, ())


def test_a_clock_that_may_be_off_by_more_makes_the_run_invalid_with_its_host(folded) -> None:
    found = health(folded, told(remote(0, 0.0), remote(1, 0.0501), remote(2, 0.08)))
    assert found.clock_error_s == 0.08
    assert found.reasons == (
        "the schedule of worker 2 (host-2) may have been off by 80.0ms, more than generator.late (50.0ms): its clock "
        "is compared with the master's by messages, which took too long; bring master and workers closer together, or "
        "raise generator.late",
    )
    assert health(folded, told(remote(2, 0.08), late_s=0.1)).valid


def test_a_step_of_the_wall_clock_elsewhere_makes_the_run_invalid(folded) -> None:
    (reason,) = health(folded, told(remote(3, 0.001, clock_steps=2))).reasons
    assert reason.startswith("the wall clock of worker 3 (host-3) was stepped during the run")
    assert stepped_clocks([remote(3, 0.001, clock_steps=2)]) == ()


def test_a_step_on_the_masters_host_is_a_warning(folded) -> None:
    assert health(folded, told(remote(0, 0.0, clock_steps=1))).valid
    assert len(stepped_clocks([remote(0, 0.0, clock_steps=1), remote(1, 0.0, clock_steps=1)])) == 1
    assert stepped_clocks([remote(0, 0.0), WorkerInfo(worker=1, started=0)]) == ()


def test_recordings_of_earlier_versions_say_nothing_of_clocks(folded) -> None:
    found = health(folded, told(WorkerInfo(worker=0, started=1)))
    assert (found.clock_error_s, found.valid) == (None, True)
