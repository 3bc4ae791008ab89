"""A worker and the messages of its master, in a process that Locust has patched."""

import subprocess
import sys
from pathlib import Path

PROFILE = """
name: two
load: {kind: open, stages: [{for: 1s, rate: 1/s}]}
scenarios: {one: {model: o3, prompt: simple}}
"""
WORKER = """
from locust.env import Environment
import sys
from pathlib import Path
from types import SimpleNamespace
import gevent
from relayload.profile import load
from relayload.swarm import worker
from relayload.swarm.messages import ASSIGN, Assignment, pack

environment = Environment()
runner = environment.create_local_runner()
assignment = Assignment(
    run_id="run",
    run_dir="",
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


def prepare(driver):
    gevent.spawn(runner.send_message, ASSIGN, pack(assignment))
    gevent.sleep(0.01)  # as a driver does that tries itself out
    print("prepared")


worker.prepare = prepare
worker._LOG = SimpleNamespace(error=print)
worker.Worker(environment, load(Path(sys.argv[1]))).listen()
gevent.sleep(0.01)
"""


def test_an_assignment_that_comes_while_the_worker_prepares_is_not_lost(tmp_path: Path):
    path = tmp_path / "two.yaml"
    path.write_text(PROFILE)
    command = [sys.executable, "-c", WORKER, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = "this worker was started with another profile than the master: it takes no part"
    assert done.stdout == f"prepared\n{told}\n", done.stderr
