"""What the log says before a run: what is run by default, and which of Locust's options have no effect."""

from locust import User
from locust.env import Environment

import logging
from collections.abc import Iterable

from relayload.engine.targets import shown
from relayload.locust_plugin.nodes import options_of
from relayload.locust_plugin.options import Options
from relayload.locust_plugin.users import ScenarioUser
from relayload.profile import Profile
from relayload.profile.loads import ClosedLoad

NO_HOST = "the profile says where to send: write --relay-set target.base_url=URL"
NO_USERS = "the profile's load says how much is sent, whatever the number of users"

_LOG = logging.getLogger("relayload")


def all_ours(user_classes: Iterable[type[User]]) -> bool:
    """Return whether all users are scenarios of a profile, so that nobody else needs Locust's own fields."""
    return all(issubclass(user, ScenarioUser) for user in user_classes)


def uses_users(profile: Profile) -> bool:
    """Return whether Locust's users make the load."""
    return isinstance(profile.load, ClosedLoad)


def by_default(profile: Profile) -> str:
    """Return the note on what is run if no profile is named."""
    return (
        f"no profile is named: this is the {profile.name}, against {shown(profile)}. "
        "To test a relay of yours, start Locust with --relay-profile FILE"
    )


def warn(environment: Environment, profile: Profile, ours: Options) -> None:
    """Log what is run by default, and which options have no effect. Call this before our defaults are filled in."""
    options = options_of(environment)
    if ours.by_default:
        _LOG.warning("%s", by_default(profile))
    if options.host:
        _LOG.warning("--host is not used, %s", NO_HOST)
        if all_ours(environment.user_classes):
            environment.host = options.host = None  # the page and the report would show it as the target
    if not uses_users(profile) and (options.num_users or options.spawn_rate) and all_ours(environment.user_classes):
        _LOG.warning("--users and --spawn-rate have no effect: %s", NO_USERS)
