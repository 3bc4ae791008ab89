import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from relayload.engine.lessor import Lessor
from relayload.engine.messages import WorkerStatus
from relayload.engine.run_workers import RunWorkers
from relayload.engine.workload import new_workload
from relayload.profile import load

PROFILE = """
name: workers
target: {base_url: "http://127.0.0.1:1/v1", api_key: k}
scenarios: {simple: {model: o3, prompt: simple}}
load: {kind: open, arrivals: constant, stages: [{for: 60s, rate: 10/s}]}
"""
BEGUN_S, LEASE_OVER_S, GONE_S = 100.0, 110.0, 120.0


@pytest.fixture
def workers(tmp_path: Path) -> Callable[..., RunWorkers]:
    def made(*client_ids: str, alone: bool = False) -> RunWorkers:
        path = tmp_path / "p.yaml"
        path.write_text(PROFILE)
        profile = load(path, environ={})
        lessor = Lessor(profile, new_workload(profile))
        lessor.begin(range(len(client_ids)), BEGUN_S)
        found = RunWorkers(lessor, alone=alone)
        for client_id in client_ids:
            found.admit(client_id)
        return found

    return made


def test_workers_are_numbered_as_they_come_and_keep_their_numbers(workers):
    known = workers("a", "b")
    assert [known.admit("a"), known.admit("c"), known.number("b"), known.number("d")] == [0, 2, 1, None]
    assert (list(known.client_ids), known.client_id(1)) == (["a", "b", "c"], "b")


def test_a_run_is_finished_once_every_worker_whose_lease_is_not_over_is(workers):
    known = workers("a", "b")
    known.statuses[0] = WorkerStatus(worker=0, finished=True)
    assert not known.finished(BEGUN_S)
    known.statuses[1] = WorkerStatus(worker=1, finished=True)
    assert known.finished(BEGUN_S)
    assert not known.finished(LEASE_OVER_S)


def test_a_run_is_deserted_once_every_worker_was_silent_for_too_long(workers):
    known = workers("a", "b")
    assert [known.deserted(now_s) for now_s in (BEGUN_S, LEASE_OVER_S, GONE_S)] == [False, False, True]
    assert not workers().deserted(GONE_S)


def test_a_worker_is_awaited_until_it_has_drained_or_is_gone(workers):
    known = workers("a", "b")
    known.statuses[0] = WorkerStatus(worker=0, drained=True)
    assert [known.undrained(now_s) for now_s in (BEGUN_S, LEASE_OVER_S, GONE_S)] == [True, True, False]
    known.statuses[1] = WorkerStatus(worker=1, drained=True)
    assert not known.undrained(BEGUN_S)


def test_a_master_that_is_alone_is_never_silent(workers, caplog):
    known = workers("local", alone=True)
    known.statuses[0] = WorkerStatus(finished=True)
    known.log_silence(GONE_S)
    assert (known.finished(GONE_S), known.deserted(GONE_S), known.undrained(GONE_S)) == (True, False, True)
    assert (known.fresh(GONE_S), caplog.messages) == (1, [])


def test_silence_and_its_end_are_logged_once(workers, caplog):
    known = workers("a")
    known.statuses[0] = WorkerStatus(host="here")
    with caplog.at_level(logging.INFO):
        for now_s in (BEGUN_S, LEASE_OVER_S, LEASE_OVER_S, BEGUN_S, BEGUN_S):
            known.log_silence(now_s)
    silent = "worker 0 on here is silent: the others send what it was not leased"
    assert caplog.messages == [silent, "worker 0 on here is back"]


def test_totals_are_of_all_workers_and_trouble_is_that_of_the_first(workers):
    known = workers("a", "b")
    known.statuses[0] = WorkerStatus(worker=0, started=3, in_flight=1)
    assert (known.guardrail, known.crash) == (None, None)
    known.statuses[1] = WorkerStatus(worker=1, started=4, in_flight=2, guardrail="usd: 1", crash="oops")
    assert (known.started, known.in_flight, known.guardrail, known.crash) == (7, 3, "usd: 1", "oops")
    assert [(info.worker, info.started) for info in known.infos] == [(0, 3), (1, 4)]
