"""What a locustfile needs: the profile named on the command line as Locust User classes."""

from locust import User, events

import sys
from dataclasses import replace
from pathlib import Path

from relayload.core.errors import AuthorError
from relayload.profile import load
from relayload.report.lookalikes import speak_any_encoding
from relayload.swarm.early import awaited_order
from relayload.swarm.events import Swarm
from relayload.swarm.options import peek
from relayload.swarm.users import scenario_users

_BAD_PROFILE = 2


def load_users(module: str, default_profile: Path | None = None) -> dict[str, type[User]]:
    """The User classes of the profile, by name; leaves with exit code 2 and every fault when it is a bad one."""
    speak_any_encoding()
    options = peek(default_profile or Path("profiles/quickstart.yaml"))
    if order := awaited_order():
        options = replace(options, profile=Path(order.profile), out=Path(order.run_dir), fakes=order.fakes)
    try:
        profile = load(options.profile, options.sets)
    except AuthorError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(_BAD_PROFILE) from None
    swarm = Swarm(profile, options)
    swarm.listen(events)
    return scenario_users(profile, swarm, module)
