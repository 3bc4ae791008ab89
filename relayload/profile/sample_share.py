"""`sample 1%`: a share of the requests."""

import re

from pydantic import WithJsonSchema

from relayload.core.units import fraction
from relayload.profile.types import text_like

_SAMPLE = re.compile(r"sample\s+(\S.*)")


def sample_share(text: str) -> float | None:
    """Return the share that a text such as `sample 1%` names; None for any other."""
    found = _SAMPLE.fullmatch(text)
    try:
        share = fraction(found[1]) if found else 2.0
    except ValueError:
        return None
    return share if 0 < share <= 1 else None


def one_of_or_sample(*words: str) -> WithJsonSchema:
    """Describe a text in the schema of profiles that is one of some words, or `sample 1%`."""
    return text_like(rf"^({'|'.join(words)}|sample\s+\d+(\.\d+)?\s*%)$", *words, "sample 1%")
