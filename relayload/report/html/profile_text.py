"""The effective profile of a run, as the page shows it."""

from relayload.core.printable import one_line

_MOST = 50_000
"""The most characters of it that are shown."""


def profile_lines(profile: str | None) -> list[str]:
    """Return the lines of the profile, each safe to show; of a very long one only the first."""
    if profile is None:
        return []
    lines = [one_line(line) for line in profile[:_MOST].splitlines()]
    return [*lines, "… more is in profile.yaml"] if len(profile) > _MOST else lines
