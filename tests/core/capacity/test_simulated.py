"""Searches against queues whose knee is known, in simulated time. `benchmarks/capacity.py` has many more."""

import pytest
from simulated_relays import Queue, bucket, search, sliding, true_capacity, true_users

from relayload.core.capacity.answer import Kind
from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import Purpose

CHAT = ["ttft.p95 < 600ms", "errors.rate < 1%"]
RELAY = Queue(64, 1.5, 0.5, 0.2)


@pytest.fixture(scope="module")
def knee() -> float:
    return true_capacity(RELAY, lambda sent: sum(each.ttft_s >= 0.6 for each in sent) <= 0.05 * len(sent), 100_000)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_knee_of_a_queue_is_found(seed: int, knee: float):
    found = search(RELAY, CHAT, seed, most_load_s=3600.0)
    assert found.answer in (Kind.INTERVAL, Kind.NOT_CONVERGED)
    assert found.proven_per_s is not None
    assert 0.85 * knee < found.proven_per_s < 1.04 * knee
    assert found.estimate_per_s == pytest.approx(knee, rel=0.08)
    assert found.binding is not None
    assert found.binding.objective in ("ttft.p95 < 600ms", "backlog")
    (proof,) = [each for each in found.trials if each.purpose is Purpose.CONFIRM and each.proven]
    assert proof.measured_s >= 120.0


@pytest.mark.parametrize(
    ("queue", "answer", "told"),
    [
        (Queue(64, 0.5, quota=sliding(20, 1.0)), Kind.QUOTA, "20/s"),
        (Queue(64, 0.5, quota=sliding(600, 60.0)), Kind.QUOTA, "600/min"),
        (Queue(64, 0.5, quota=bucket(20.0, 40)), Kind.QUOTA, "about 2"),
        (Queue(64, 0.05, generator_per_s=300.0), Kind.GENERATOR_BOUND, "generator"),
        (Queue(16, 0.4, failing=0.1), Kind.NONE, "errors.rate < 1%"),
        (Queue(16, 0.4, leak=0.001), Kind.UNSTEADY, "passed, and later"),
        (Queue(16, 0.4, leak=0.0005), Kind.UNSTEADY, "16/s passed, and later its median latency was"),
    ],
    ids=["quota per second", "quota per minute", "token bucket", "generator", "failing", "leak", "slow leak"],
)
def test_what_has_no_knee_is_called_what_it_is(queue: Queue, answer: Kind, told: str):
    found = search(queue, CHAT, 1, start=8.0, lowest=1.0, highest=1000.0)
    assert found.answer is answer, found.reason
    assert told in found.reason


def test_a_rate_is_proven_or_refuted_alone(knee: float):
    well, beyond = (search(RELAY, CHAT, 1, at_least=share * knee) for share in (0.8, 1.2))
    assert (well.answer, well.exit_code) == (Kind.AT_LEAST, 0)
    assert (beyond.answer, beyond.exit_code) == (Kind.BELOW, 3)


@pytest.mark.parametrize(("think_s", "seed"), [(0.0, 1), (0.0, 2), (2.0, 1)])
def test_the_users_that_a_queue_carries_are_found(think_s: float, seed: int):
    queue = Queue(16, 1.0, 0.5)
    most = true_users(queue, lambda sent: sum(each.ttft_s >= 1.0 for each in sent) <= 0.05 * len(sent), 50_000, think_s)
    found = search(
        queue, ["ttft.p95 < 1s"], seed, over=Over.USERS, start=10.0, lowest=1.0, highest=500.0, think_s=think_s
    )
    assert found.proven_users is not None
    assert found.estimate_users is not None
    assert 0.85 * most < found.proven_users <= most + 1
    assert found.estimate_users == pytest.approx(most, rel=0.08)
    assert {each.users is None for each in found.trials} == {False}


@pytest.mark.parametrize("status", [503, 429])
def test_a_bounded_queue_is_named_whatever_it_refuses_with(status: int):
    found = search(Queue(10, 0.3, longest_queue=5, full_with=status), CHAT, 1, start=8.0)
    assert found.queue is not None
    assert found.queue.in_flight == 15
    assert found.ceiling is None
    assert "a bounded queue refuses more than 15 requests at once" in found.reason
