"""Corrects Locust's "current ratio" for loads that its users do not send.

In an open load or a batch a single user is present, so Locust would show one scenario at 100 %.
"""

from locust import User, html, web
from locust.env import Environment
from locust.stats import RequestStats
from locust.user.inspectuser import get_ratio

from collections.abc import Mapping, Sequence
from typing import Any

from relayload.locust_plugin.locust_stats import SIDE_ENTRIES
from relayload.locust_plugin.users import ScenarioUser


def show_what_was_sent(environment: Environment) -> None:
    """Make Locust's page and report show the shares of what was sent. Locust has no hook for them."""

    def ratio(user_classes: list[type[User]], spawned: dict[str, int], total: bool) -> dict[str, Any]:
        return get_ratio(user_classes, shared_out(user_classes, spawned, environment.stats), total)

    modules: tuple[Any, ...] = (html, web)
    for module in modules:
        module.get_ratio = ratio


def shared_out(user_classes: Sequence[type[User]], spawned: Mapping[str, float], stats: RequestStats) -> dict[str, Any]:
    """Return the users by class. Users that do not send are spread by what was sent, or at first by weight."""
    present = [user for user in user_classes if issubclass(user, ScenarioUser) and not user.closed]
    sent = {user.__name__: _requests(user, stats) for user in present}
    parts = sent if any(sent.values()) else {user.__name__: user.weight for user in present}
    number = sum(spawned.get(name, 0) for name in parts) or 1
    whole = sum(parts.values()) or 1
    return {**spawned, **{name: number * part / whole for name, part in parts.items()}}


def _requests(user: type[ScenarioUser], stats: RequestStats) -> int:
    counted = ((name, entry) for (name, kind), entry in stats.entries.items() if kind not in SIDE_ENTRIES)
    return sum(entry.num_requests for name, entry in counted if name in user.rows)
