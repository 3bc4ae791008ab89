"""A worker and the messages of its master."""

from locust.env import Environment

from types import SimpleNamespace

import gevent
import pytest

from relayload.profile import load
from relayload.swarm import worker
from relayload.swarm.messages import ASSIGN, Assignment, pack

PROFILE = """
name: two
load: {kind: open, stages: [{for: 1s, rate: 1/s}]}
scenarios: {one: {model: o3, prompt: simple}}
"""


def test_an_assignment_that_comes_while_the_worker_prepares_is_not_lost(tmp_path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "two.yaml"
    path.write_text(PROFILE)
    environment = Environment()
    runner = environment.create_local_runner()
    taken = []
    told = Assignment(
        run_id="run",
        run_dir=str(tmp_path),
        base_urls={},
        profile_sha256="another",  # all that is seen of it here is that the worker looked at it
        worker=0,
        share_number=0,
        share_of=1,
        from_s=0.0,
        elapsed_s=0.0,
        alone=True,
        max_requests=None,
        max_usd=None,
    )

    def prepare(driver: str) -> None:
        gevent.spawn(runner.send_message, ASSIGN, pack(told))
        gevent.sleep(0.01)  # as a driver does that tries itself out
        assert not taken, "not before the worker is ready"

    monkeypatch.setattr(worker, "prepare", prepare)
    monkeypatch.setattr(worker, "_LOG", SimpleNamespace(error=taken.append))
    worker.Worker(environment, load(path)).listen()
    gevent.sleep(0.01)
    assert taken == ["this worker was started with another profile than the master: it takes no part"]
