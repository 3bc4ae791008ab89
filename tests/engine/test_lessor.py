from collections.abc import Callable
from pathlib import Path

import pytest

from relayload.core.resilience.allowance import Draw
from relayload.engine.lessor import Lessor
from relayload.engine.messages import Lease, Renewal
from relayload.engine.workload import new_workload
from relayload.profile import load

PROFILE = """
name: leased
target: {base_url: "http://127.0.0.1:1/v1", api_key: k}
scenarios: {simple: {model: o3, prompt: simple}}
load: LOAD
"""
OPEN = "{kind: open, arrivals: constant, max_in_flight: 9, stages: [{for: 60s, rate: 10/s}]}"
BATCH = "{kind: batch, requests: 8, batch_size: 4, max_concurrent: 2}"
CLOSED = "{kind: closed, users: 3, stages: [{for: 10s}]}"


class Master:
    """A lessor, with the renewals of its workers. The run begins at 100 s of its clock."""

    def __init__(self, lessor: Lessor) -> None:
        self.lessor = lessor
        self._sequences: dict[int, int] = {}

    def renew(self, worker: int, now_s: float, **said: object) -> list[Lease]:
        sequence = self._sequences[worker] = self._sequences.get(worker, 0) + 1
        renewal = Renewal(run_id="r", worker=worker, sequence=sequence, **said)  # type: ignore[arg-type]
        return list(self.lessor.renew(renewal, now_s, now_s - 100.0))


@pytest.fixture
def master(tmp_path: Path) -> Callable[..., Master]:
    def made(text: str = OPEN, more: str = "", workers: int = 2) -> Master:
        path = tmp_path / "p.yaml"
        path.write_text(PROFILE.replace("LOAD", text) + more)
        profile = load(path, environ={})
        lessor = Lessor(profile, new_workload(profile))
        lessor.begin(range(workers), 98.5)
        return Master(lessor)

    return made


def test_workers_share_arrivals_and_slots(master):
    run = master()
    (first,), (second,) = run.renew(0, 98.6), run.renew(1, 98.6)
    assert [(grant.first, grant.end, grant.part, grant.of) for grant in first.grants][:1] == [(0, 5, 0, 2)]
    assert [(grant.first, grant.end, grant.part, grant.of) for grant in second.grants][:1] == [(0, 5, 1, 2)]
    assert (first.slots, second.slots) == (5, 4)
    assert (first.granted_to, second.granted_to) == (0, 5)
    assert not second.complete


def test_a_worker_that_leaves_gets_no_more_arrivals(master):
    run = master()
    run.renew(0, 98.6)
    (held,) = run.renew(1, 98.6)
    (leaving,) = run.renew(0, 99.6, held=1, leaving=True)
    (other,) = run.renew(1, 99.6, held=len(held.grants))
    assert leaving.grants == ()
    assert {(grant.part, grant.of) for grant in other.grants} == {(0, 1)}


def test_a_renewal_that_is_older_than_another_has_no_answer(master):
    run = master()
    run.renew(0, 100.0)
    assert list(run.lessor.renew(Renewal(run_id="r", worker=0, sequence=1), 100.1, 0.1)) == []


def test_a_newcomer_has_no_arrivals_before_it_has_a_slot(master):
    run = master(workers=1)
    (alone,) = run.renew(0, 100.0)
    (newcomer,) = run.renew(7, 100.1)
    assert (alone.slots, newcomer.slots, newcomer.grants) == (9, 0, ())
    (smaller,) = run.renew(0, 100.5, in_force=1)
    assert smaller.slots == 5
    run.renew(0, 101.0, in_force=2)
    (joined,) = run.renew(7, 101.1, in_force=1)
    assert joined.slots == 4
    run.renew(0, 101.5, in_force=3)
    (working,) = run.renew(7, 101.6, in_force=2)
    assert working.grants


def test_a_quota_is_divided_for_its_window_and_one_that_is_too_small_refused(master):
    quota = "client: {quota: {requests: 10/s}}\n"
    run = master(more=quota)
    (first,), (second,) = run.renew(0, 100.0), run.renew(1, 100.0)
    assert (first.quotas, second.quotas) == ({"target": (5,)}, {"target": (5,)})
    (still,) = run.renew(0, 103.5, in_force=1)
    assert still.quotas == {"target": (5,)}
    (all_of_it,) = run.renew(0, 104.6, in_force=2)
    assert all_of_it.quotas == {"target": (10,)}
    with pytest.raises(ValueError, match="a quota of 10 requests in 1 s is too small for 11 processes"):
        master(more=quota, workers=11)


def test_a_closed_load_has_nothing_to_grant_and_no_slots(master):
    (lease,) = master(CLOSED).renew(0, 100.0)
    assert (lease.grants, lease.slots, lease.complete) == ((), None, True)


def test_who_waits_for_the_next_batch_is_told_as_it_begins(master):
    run = master(BATCH)
    (first,) = run.renew(0, 100.0, wanted=3)
    run.renew(1, 100.0, wanted=1)
    assert [grant.size for grant in first.grants] == [3]
    assert len(run.renew(0, 100.2, held=1, wanted=5, ended=3)) == 1
    own, pushed = run.renew(1, 100.3, held=1, wanted=2, ended=1)
    assert (own.worker, pushed.worker, pushed.sequence) == (1, 0, 2)
    assert [grant.size for grant in (*own.grants, *pushed.grants)] == [1, 2]


def test_who_has_not_spent_its_part_is_asked_for_it_as_soon_as_another_waits(master):
    run = master(more="guardrails: {max_requests: 10}\n")
    run.renew(0, 100.0, requests=Draw(needs=10))
    run.renew(1, 100.0, requests=Draw(needs=10))
    run.renew(0, 100.1, requests=Draw(spent=5, needs=5))
    run.renew(0, 100.2, requests=Draw(spent=7, needs=5))
    own, asked = run.renew(0, 100.3, requests=Draw(spent=8, waiting=1))
    assert (own.requests.nothing_left, asked.worker, asked.requests.hand_back) == (False, 1, True)
    assert len(run.renew(0, 100.31, requests=Draw(spent=8, waiting=1))) == 1
    back, pushed = run.renew(1, 100.4, requests=Draw(spent=0, returned=2))
    assert (back.worker, pushed.worker, pushed.requests.given) == (1, 0, 9)


def test_what_is_told_of_a_cap_is_of_all_workers(master):
    run = master(more="guardrails: {max_requests: 10}\n")
    run.renew(0, 100.0, requests=Draw(needs=10))
    run.renew(0, 100.1, requests=Draw(spent=4))
    run.renew(1, 100.1, requests=Draw(needs=5))
    assert run.lessor.used_up("max_requests: 4 requests were sent") == (
        "max_requests: 4 requests were sent, and workers that are gone may have sent 3 more"
    )
    assert run.lessor.used_up("fuse.errors: 9 of 9 failed") == "fuse.errors: 9 of 9 failed"


def test_a_worker_is_gone_after_a_long_silence_unless_the_master_itself_was_held_up(master):
    run = master()
    assert run.lessor.fresh(99.9) == 2
    run.renew(0, 100.0)
    assert run.lessor.fresh(101.0) == 1
    assert [run.lessor.is_alive(0, at_s) for at_s in (102.9, 103.1)] == [True, False]
    assert [run.lessor.is_gone(0, at_s) for at_s in (114.9, 115.1)] == [False, True]
    run.lessor.excuse(20.0)
    assert run.lessor.is_alive(0, 122.0)
    assert run.lessor.is_gone(9, 100.0)


@pytest.mark.parametrize(
    ("per", "first", "second"),
    [
        ("target", {"target": (4,)}, {"target": (3,)}),
        ("key", {"target/a": (4,), "target/b": (4,)}, {"target/a": (3,), "target/b": (3,)}),
    ],
)
def test_workers_share_the_quota_of_a_target_or_that_of_each_key(tmp_path, per, first, second):
    text = PROFILE.replace("api_key: k", "keys: [{name: a, key: k}, {name: b, key: k}]").replace("LOAD", OPEN)
    (tmp_path / "p.yaml").write_text(f"{text}client: {{quota: {{requests: 7/s, per: {per}}}}}\n")
    profile = load(tmp_path / "p.yaml", environ={})
    lessor = Lessor(profile, new_workload(profile))
    lessor.begin(range(2), 98.5)
    run = Master(lessor)
    assert [run.renew(worker, 98.6)[0].quotas for worker in (0, 1)] == [first, second]
