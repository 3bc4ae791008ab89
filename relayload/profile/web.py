"""The `web:` of a profile: what may be done with its load from the web page."""

from typing import Annotated

from pydantic import Field

from relayload.core.errors import AuthorError, Fault
from relayload.profile.types import Number, Part

LEAST_MULTIPLIER = 0.01


class Web(Part):
    """What the web page may do with the load."""

    max_multiplier: Annotated[Number, Field(ge=1, le=1000)] = 1.0
    """The most that the rates of the stages may be multiplied by, at the start or while the load goes on."""

    def check_multiplier(self, multiplier: float) -> None:
        """Raise AuthorError for a multiplier beyond the bounds; a lower rate is always allowed."""
        if not LEAST_MULTIPLIER <= multiplier <= self.max_multiplier:
            bounds = f"between {LEAST_MULTIPLIER:g} and web.max_multiplier of the profile, {self.max_multiplier:g}"
            raise AuthorError([Fault(f"x{multiplier:g} is not {bounds}")])
