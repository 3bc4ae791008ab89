"""Typed access to what every node has once Locust is set up."""

from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from argparse import Namespace

AnyRunner = LocalRunner | MasterRunner | WorkerRunner


def runner_of(environment: Environment) -> AnyRunner:
    """Return the runner of this node."""
    runner: Runner | None = environment.runner
    assert isinstance(runner, LocalRunner | MasterRunner | WorkerRunner)
    return runner


def options_of(environment: Environment) -> Namespace:
    """Return Locust's options, our own among them."""
    options = environment.parsed_options
    assert isinstance(options, Namespace)
    return options


def leave_json_to_master(environment: Environment) -> None:
    """Keep a worker that was forked with `--json` from printing its own statistics beside those of the master."""
    options = options_of(environment)
    options.json = False
    options.json_file = None
