from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from relayload.core.traffic.rate_changes import RateChange
from relayload.engine.messages import Renewal, WorkerStatus
from relayload.engine.workload import Workload, new_workload
from relayload.profile import load

REST = """
target: {base_url: "http://127.0.0.1:1/v1", api_key: k}
scenarios: {simple: {model: o3, prompt: simple}}
guardrails: {max_requests: 100, max_duration: 1m}
"""
LOADS = {
    "open": "{kind: open, arrivals: constant, stages: [{for: 10s, rate: 2/s}]}",
    "closed": "{kind: closed, users: 3, stages: [{for: 10s}]}",
    "batch": "{kind: batch, requests: 31, max_concurrent: 4}",
}


@pytest.fixture
def workload(tmp_path: Path) -> Callable[[str], Workload]:
    def made(kind: str, text: str = "") -> Workload:
        path = tmp_path / "p.yaml"
        path.write_text(f"name: dealt\nload: {text or LOADS[kind]}\n{REST}")
        return new_workload(load(path, environ={}))

    return made


def told(*started: int, drained: bool = False, follow_ups: int = 0) -> Mapping[int, WorkerStatus]:
    return {
        number: WorkerStatus(
            worker=number, started=count, admitted=count, drained=drained, usd=Decimal(0), follow_ups=follow_ups
        )
        for number, count in enumerate(started)
    }


def test_an_open_load_offers_what_was_due_whatever_was_started(workload):
    made = workload("open")
    assert [made.offered(until_s, told(1)) for until_s in (0.9, 5.0, 60.0)] == [2, 11, 20]
    assert made.requests is None


def test_later_turns_of_conversations_are_due_as_they_come(workload):
    assert workload("open").due(5.0, told(4, 5, follow_ups=3)) == 11 + 6


def test_what_is_due_in_a_closed_load_is_what_has_begun_and_nothing_was_offered(workload):
    made = workload("closed")
    assert made.due(5.0, told(4, 5)) == 9
    assert made.offered(10.0, told(4, 5)) is None


def wants(made, worker, wanted, ended=0):
    renewal = Renewal(run_id="r", worker=worker, sequence=1, wanted=wanted, ended=ended)
    return sum(grant.size for grant in made.grants(renewal, [0, 1], [0, 1], 0.0))


def test_of_a_batch_what_drained_workers_did_not_begin_was_not_offered(workload):
    made = workload("batch")
    assert made.requests == 31
    assert (wants(made, 0, 10), wants(made, 1, 20)) == (10, 20)
    assert made.offered(10.0, told(3, 4, drained=True)) == 7
    assert made.offered(10.0, told(3, 4)) == made.offered(10.0, {}) == 30
    assert made.offered(10.0, told(3, drained=True)) == 3 + 20


def test_the_next_batch_is_granted_to_those_that_wait_for_it_as_the_one_before_ends(workload):
    made = workload("batch", "{kind: batch, requests: 4, batch_size: 2, max_concurrent: 2}")
    assert (wants(made, 0, 1), wants(made, 1, 2)) == (1, 1)
    assert made.waiting([0, 1]) == []
    wants(made, 0, 2, ended=1)
    assert made.waiting([0, 1]) == []
    wants(made, 1, 2, ended=1)
    assert made.waiting([0, 1]) == [0]


def test_only_an_open_load_goes_on_to_the_end_of_its_stages(workload):
    assert [workload(kind).complete_at_s() for kind in LOADS] == [10.0, 0.0, 0.0]


def test_max_duration_cuts_short_what_has_something_left(workload):
    batch = workload("batch")
    assert batch.cut_short(told(10, 20))
    assert not batch.cut_short(told(10, 21))
    assert not workload("open").cut_short(told(1))


def test_a_changed_rate_offers_what_is_due_at_the_other_instants(workload):
    made = workload("open")
    assert made.due(4.9, told(9)) == 10
    made.change_rate((RateChange(6.0, 3.0),), 4.9)
    assert [made.offered(until_s, told()) for until_s in (5.9, 6.9, 60.0)] == [12, 12 + 6, 12 + 24]
    made.change_rate((RateChange(6.0, 3.0), RateChange(9.0, 0.5)), 60.0)
    assert made.offered(60.0, told()) == 12 + 24


def test_what_was_lost_of_a_changed_load_is_what_nobody_recorded(workload):
    made = workload("open")
    made.change_rate((RateChange(2.0, 2.0),), 0.5)
    made.change_rate((RateChange(2.0, 2.0), RateChange(4.0, 0.5)), 1.0)
    assert made.offered(10.0, told()) == 4 + 8 + 6
    assert [made.complete_at_s(), made.cut_short({})] == [10.0, False]


@pytest.mark.parametrize("kind", ["closed", "batch"])
def test_what_has_no_rate_goes_on_as_it_was(workload, kind):
    made = workload(kind)
    before = made.complete
    made.change_rate((RateChange(2.0, 2.0),), 0.5)
    assert made.complete is before
