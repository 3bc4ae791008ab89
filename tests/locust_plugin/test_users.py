"""Users of a closed load, in a process that Locust has patched."""

from pathlib import Path

import pytest
from support import ran_patched

CLOSED = """
name: closed
load: {kind: closed, users: 1, stages: [{for: 1s}]}
scenarios: {simple: {model: o3, prompt: simple, max_output_tokens: 5}}
"""
WAITING = """
from locust.env import Environment
import sys
from pathlib import Path
from types import SimpleNamespace
import gevent
from relayload.profile import load
from relayload.locust_plugin.users import scenario_users

plugin = SimpleNamespace(generator={"none": None, "another run's": SimpleNamespace(busy=False)}[sys.argv[2]])
(user_class,) = scenario_users(load(Path(sys.argv[1]), environ={}), plugin, __name__).values()
user = user_class(Environment(user_classes=[user_class]))
turns = []


def take_turns():
    while not turns:
        user.take_turn()


taking = gevent.spawn(take_turns)
gevent.sleep(0)
plugin.generator = SimpleNamespace(busy=True, turn=lambda scenario: turns.append(scenario) or 0.5)
taking.join(timeout=100)
print(turns, user.wait_time())
taking.kill()
"""


@pytest.mark.parametrize("before", ["none", "another run's"])
def test_a_user_that_comes_before_its_workers_part_in_the_run_waits_for_it(tmp_path: Path, before: str) -> None:
    path = tmp_path / "closed.yaml"
    path.write_text(CLOSED)
    assert ran_patched(WAITING, path, before) == "[0] 0.5\n"
