from locust.env import Environment

from types import SimpleNamespace

import gevent
import pytest

from relayload.profile import load
from relayload.swarm.users import scenario_users

CLOSED = """
name: closed
load: {kind: closed, users: 1, stages: [{for: 1s}]}
scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}
"""


@pytest.mark.parametrize("before", [None, SimpleNamespace(busy=False)])
def test_a_user_that_comes_before_its_workers_part_in_the_run_waits_for_it(tmp_path, before):
    path = tmp_path / "closed.yaml"
    path.write_text(CLOSED)
    swarm = SimpleNamespace(generator=before)
    (user_class,) = scenario_users(load(path, environ={}), swarm, __name__).values()
    user = user_class(Environment(user_classes=[user_class]))
    turns = []

    def take_turns():
        while not turns:
            user.take_turn()

    taking = gevent.spawn(take_turns)
    gevent.sleep(0)
    swarm.generator = SimpleNamespace(busy=True, turn=lambda scenario: turns.append(scenario) or 0.5)
    try:
        taking.join(timeout=10)
        assert turns == [0]
        assert user.wait_time() == 0.5
    finally:
        taking.kill()
