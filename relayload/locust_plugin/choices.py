"""What a run may be started with from the page: a profile of one folder, some of its targets, and a multiplier."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from relayload.core.errors import AuthorError, Fault
from relayload.profile import Profile, load
from relayload.profile.loading import overridden
from relayload.profile.loads import ClosedLoad, OpenLoad
from relayload.profile.plan import fixed_rate
from relayload.profile.stages import Pause, Repeated

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Choice:
    """A profile, and what a run changes of it."""

    profile: Profile
    file: Path | None = None
    """The file of a profile that Locust was not started with."""
    overrides: tuple[str, ...] = ()
    multiplier: float = 1.0

    @cached_property
    def effective(self) -> Profile:
        """The profile that is run. Raises AuthorError."""
        return overridden(self.profile, self.overrides)


class ProfileFolder:
    """The profiles right inside one folder, by the names of their files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names, as the folder is now. A link that leads out of it has none."""
        inside = self._folder.resolve()
        try:
            found = [path for path in self._folder.iterdir() if path.suffix in _SUFFIXES]
        except OSError:
            return []
        return sorted(path.name for path in found if path.resolve().is_relative_to(inside) and path.is_file())

    def path(self, name: str) -> Path:
        """Return the file of a name. Raises AuthorError for whatever is not one of the names."""
        if name not in self.names():
            raise AuthorError([Fault("no profile of that name is in the folder that Locust was started with")])
        return self._folder / name


def choose(first: Profile, file: Path | None, targets: Sequence[str], multiplier: float) -> Choice:
    """Return what to run: `first`, with which Locust was started, or the profile in a file.

    No `targets` are all of them. Raises AuthorError for what the profile or this Locust does not allow, guardrails
    included.
    """
    profile = first if file is None else load(file)
    if file is not None and ClosedLoad in (type(first.load), type(profile.load)):
        raise AuthorError([Fault("the users of a closed load are those that Locust was started with: start it anew")])
    overrides = (*_targets(profile, targets), *_rates(profile, multiplier))
    choice = Choice(profile, file, overrides, multiplier)
    _ = choice.effective
    return choice


def _targets(profile: Profile, chosen: Sequence[str]) -> Iterator[str]:
    """Yield the overrides that leave out the other targets."""
    known = profile.named_targets
    if any(name not in known for name in chosen):
        raise AuthorError([Fault("the profile names no such target")])
    left = [name for name in known if name not in chosen] if chosen else []
    yield from (f"targets.{name}=null" for name in left)
    if left and profile.compare and len(known) - len(left) < 2:
        yield "compare=null"


def _rates(profile: Profile, multiplier: float) -> Iterator[str]:
    """Yield the overrides that multiply the rates."""
    if multiplier == 1.0:
        return
    if fixed := fixed_rate(profile):
        raise AuthorError([Fault(fixed)])
    profile.web.check_multiplier(multiplier)
    assert isinstance(profile.load, OpenLoad), "the others have no rate"
    yield from _multiplied("load.stages", profile.load.stages, multiplier)


def _multiplied(place: str, stages: Sequence[Any], multiplier: float) -> Iterator[str]:
    for number, stage in enumerate(stages):
        if isinstance(stage, Repeated):
            yield from _multiplied(f"{place}.{number}.stages", stage.stages, multiplier)
        elif not isinstance(stage, Pause):
            for key, rate_per_s in (("rate", stage.rate_per_s), ("to", stage.to_per_s)):
                if rate_per_s is not None:
                    rate = f"{rate_per_s * multiplier:.12f}".rstrip("0").rstrip(".")
                    yield f"{place}.{number}.{key}={rate}/s"
