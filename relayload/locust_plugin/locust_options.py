"""Locust's own options as a run wants them: how many users, and how many workers to wait for."""

from locust.runners import MasterRunner

import logging
from argparse import Namespace

from relayload.locust_plugin.nodes import AnyRunner
from relayload.locust_plugin.options import LOOPBACK, Options
from relayload.profile import Profile
from relayload.profile.loads import ClosedLoad

_LOG = logging.getLogger("relayload")


def users_of(profile: Profile) -> int:
    """Return how many users a run wants at first: one in an open load, and the profile's number in a closed one."""
    return profile.load.users if isinstance(profile.load, ClosedLoad) else 1


def want_users(options: Namespace, profile: Profile, *, launched: bool) -> None:
    """Ask Locust for the users of a run; `launched` is one of `relayload run`."""
    if launched:  # a locust.conf or LOCUST_USERS of Locust's is not for `relayload run`
        options.num_users = options.spawn_rate = options.run_time = None
    wanted = users_of(profile)
    if isinstance(profile.load, ClosedLoad):
        options.enable_rebalancing = True  # or the users of a worker that is gone are missed for a minute
    options.num_users = options.num_users or wanted
    options.spawn_rate = options.spawn_rate or min(wanted, 100)


def expect_workers(options: Namespace, runner: AnyRunner, ours: Options) -> None:
    """Wait for workers of other hosts, too, where the launcher knows of some."""
    if ours.ordered is not None and isinstance(runner, MasterRunner):
        options.expect_workers = (options.processes or 0) + ours.ordered.expect_workers


def warn_if_none_can_join(options: Namespace, runner: AnyRunner) -> None:
    """Log where a master listens that waits for workers of other hosts, if none can come."""
    if isinstance(runner, MasterRunner) and not options.processes and options.master_bind_host == LOOPBACK:
        _LOG.warning(
            "listening on %s:%d, which workers on other hosts can't reach: --master-bind-host names an address",
            options.master_bind_host,
            options.master_bind_port,
        )
