"""The `audit:` of a profile: how many answers are looked at closely, and what the audit itself asks."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag

from relayload.document.shape import PathIf
from relayload.profile.types import Flag, Integer, Items, Part, Share, Text, not_empty

MOST_ANSWERS = 100_000
MOST_SHARE = 0.5
PREFIX = "audit_"
"""With what the names of the audit's own scenarios begin."""
_TARGET_NAME = re.compile(r"[a-z][a-z0-9_-]*")

Kind = Literal[
    "open",
    "checked",
    "features",
    "sums",
    "json",
    "needle",
    "context",
    "max_tokens",
    "stop",
    "logprobs",
    "seed",
    "tools",
]
Kinds = Annotated[Items[Kind], AfterValidator(not_empty)]
OneOrSeveral = Annotated[
    Annotated[Kind, Tag("one")] | Annotated[Kinds, Tag("several")],
    Discriminator(lambda value: "several" if isinstance(value, list | tuple) else "one"),
]
"""`open`, or `[open, checked]`."""


def is_file(reference: str) -> bool:
    """Return whether a reference is the path of a file, and no target's name."""
    return _TARGET_NAME.fullmatch(reference) is None


def _few(share: float) -> float:
    if share > MOST_SHARE:
        raise ValueError(f"expected at most {MOST_SHARE:.0%}: the rest is the traffic whose audit it is")
    return share


class Audit(Part):
    """How the usage and the models that answers report are checked."""

    answers: Annotated[Integer, Field(ge=0, le=MOST_ANSWERS)] = 500
    """How many answers of each target and model every process keeps and counts after the last request; 0 for none."""
    keep_texts: Flag = False
    """Write the whole texts of these answers into the recording, without secrets."""
    share: Annotated[Share, AfterValidator(_few)] = 0.0
    """The share of the arrivals that are the audit's own questions, in scenarios of their own."""
    questions: Kinds = ("open", "checked")
    """What these ask: `open` questions show the model, `checked` ones have a right answer."""
    reference: Annotated[Text, PathIf(is_file)] | None = None
    """With what counts and answers are compared: a target of this profile, or a file that `relayload audit --record`
    has made."""

    def found_from(self, folder: Path) -> Self:
        """Return the audit with a file as its reference relative to that folder."""
        if self.reference is None or not is_file(self.reference):
            return self
        return self.model_copy(update={"reference": str(folder / self.reference)})

    @property
    def reference_target(self) -> str | None:
        """The target that is the reference; None if it is a file, or there is none."""
        return None if self.reference is None or is_file(self.reference) else self.reference

    @property
    def reference_file(self) -> Path | None:
        """The recording that is the reference."""
        return Path(self.reference) if self.reference is not None and is_file(self.reference) else None
