"""What the log and the page say of a profile: what Locust's own fields and options leave open."""

from relayload.profile import Profile
from relayload.swarm.target import shown

NO_USERS = "the profile's load says how much is sent, whatever the number of users"


def by_default(profile: Profile) -> str:
    """What is run where nobody has named a profile."""
    return (
        f"no profile is named: this is the {profile.name}, against {shown(profile)}. "
        "To test a relay of yours, start Locust with --relay-profile FILE"
    )
