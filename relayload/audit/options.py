"""What `relayload audit` was asked for: its options, read and held against the profile before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from relayload.audit.reference_file import age_s, usable
from relayload.core.audit.encodings import encoding_of
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.errors import AuthorError, Fault
from relayload.core.units import number_of
from relayload.core.wire.request import Endpoint
from relayload.profile import Profile


class Options(NamedTuple):
    """The options as they were written."""

    reference: str | None = None
    record: Path | None = None
    against: tuple[Path, ...] = ()
    models: tuple[str, ...] = ()
    prompts: int = 50
    samples: int = 10
    concurrency: int = 4
    max_age: str = "30d"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whom."""

    models: Mapping[str, str]
    """The models, each with the scenario that says how it is asked."""
    targets: tuple[str, ...]
    reference: str | None
    """The target that is the reference."""
    recorded: ReferenceAnswers | None
    """A recording that is the reference instead."""
    against: tuple[ReferenceAnswers, ...]
    options: Options

    @property
    def compared(self) -> bool:
        """True if models are compared with those of a reference."""
        return self.recorded is not None or self.reference_target is not None

    @property
    def reference_target(self) -> str | None:
        """The target that others are compared with; None where there are no others."""
        return self.reference if len(self.targets) > 1 else None

    @property
    def reference_name(self) -> str | None:
        """The reference as reports name it."""
        return self.recorded.base_url if self.recorded is not None else self.reference_target

    @property
    def prompts(self) -> int:
        """The open questions to ask: no more than were recorded."""
        if self.recorded is None:
            return self.options.prompts
        places = (name.partition(":")[2] for name in self.recorded.answers)
        recorded = [1 + int(place) for place in places if place.isdecimal()]
        return min(self.options.prompts, max(recorded, default=self.options.prompts))

    def short_recording(self) -> str:
        """Return that the recording of the reference holds less than is asked for; empty if it does not."""
        if self.recorded is None:
            return ""
        found = self.recorded.answers
        fewest, most = min(map(len, found.values())), max(map(len, found.values()))
        if len(found) >= self.options.prompts and fewest >= self.options.samples:
            return ""
        each = number_of(most, "answer") if fewest == most else f"{fewest:,} to {most:,} answers"
        wanted, asked = (
            self.options,
            f"{self.prompts} of them {'is' if self.prompts == 1 else 'are'} asked and compared",
        )
        return (
            f"--reference: holds {each} to each of {number_of(len(found), 'open question')}, and "
            f"{wanted.samples} to each of {wanted.prompts} are asked for: {asked}"
        )


def asked_of(profile: Profile, options: Options, now: datetime) -> Asked:
    """Return what is asked. Raises AuthorError for options that do not fit the profile or one another."""
    _check_together(options)
    against = tuple(usable(file, options.max_age, now, "--against") for file in options.against)
    reference, recorded = _reference(profile, options, now)
    models = _models(profile, options, recorded)
    if options.record is not None and len(models) > 1:
        several = f"a recording holds the answers of one model: add one of {_listed('--model', models)}"
        raise AuthorError([Fault(several, path="--record")])
    asked = Asked(models, _asked_targets(profile, options, reference), reference, recorded, against, options)
    if not asked.compared and options.record is None:
        _check_countable(profile, models)
    return asked


def _check_countable(profile: Profile, models: Mapping[str, str]) -> None:
    """Raise AuthorError for a model whose tokens can't be counted here, where no reference tells of them either."""
    named = [*profile.named_targets.values()]
    for model in models:
        if not any(encoding_of(target.models.get(model, model)) or encoding_of(model) for target in named):
            message = f"tokens of '{model}' can't be counted here, as its encoding is not known: name a target that "
            message += "answers for it itself, or a recording that --record wrote"
            raise AuthorError([Fault(message, path="--reference")])


def _check_together(options: Options) -> None:
    age_s(options.max_age)
    if options.record is not None and options.against:
        raise AuthorError([Fault("goes without --record, which compares nothing", path="--against")])


def _reference(profile: Profile, options: Options, now: datetime) -> tuple[str | None, ReferenceAnswers | None]:
    """Return the target that is the reference, or the recording that is."""
    known = tuple(profile.named_targets)
    named, where = options.reference, "--reference"
    if named is None:
        named, where = profile.audit.reference, "audit.reference"
    if named is None:
        return (known[0] if profile.several or options.record is not None else None), None
    if named in known:
        if options.record is None and not profile.several:
            raise AuthorError([Fault(f"'{named}' is the only target: there is none to compare with it", path=where)])
        return named, None
    expected = f"expected one of {', '.join(known)}"
    if options.record is not None:
        raise AuthorError([Fault(f"there is no target '{named}' to record: {expected}", path=where)])
    if not Path(named).exists():
        message = f"there is no target and no file '{named}': {expected}, or a file that --record wrote"
        raise AuthorError([Fault(message, path=where)])
    return None, usable(Path(named), options.max_age, now, where)


def _models(profile: Profile, options: Options, recorded: ReferenceAnswers | None) -> dict[str, str]:
    """Return the models to ask for, each with the first scenario that has it."""
    known: dict[str, str] = {}
    wanted = options.models
    for name, scenario in profile.own_scenarios.items():
        if scenario.endpoint is not Endpoint.EMBEDDINGS:
            known |= {model: name for model in scenario.models if model not in known}
    if not known:
        raise AuthorError([profile.fault(("scenarios",), "ask no model for text, which an audit compares")])
    for model in wanted:
        if model not in known:
            message = f"no scenario asks for '{model}': expected one of {', '.join(known)}"
            raise AuthorError([Fault(message, path="--model")])
    chosen = {model: known[model] for model in wanted or known}
    if recorded is None:
        return chosen
    if recorded.model in chosen and (not wanted or len(chosen) == 1):
        return {recorded.model: chosen[recorded.model]}
    message = f"is a recording of {recorded.model}, and not of {', '.join(chosen)}"
    where = "audit.reference" if options.reference is None else "--reference"
    raise AuthorError([Fault(message, path=where, file=options.reference or profile.audit.reference or "")])


def _asked_targets(profile: Profile, options: Options, reference: str | None) -> tuple[str, ...]:
    named = tuple(profile.named_targets)
    return named if options.record is None else tuple(name for name in named if name == reference)


def _listed(option: str, values: Mapping[str, str]) -> str:
    return ", ".join(f"{option} {value}" for value in values)


def check_caps(profile: Profile, requests: int) -> None:
    """Raise AuthorError if the audit sends more requests than the profile allows, which would end it in the middle."""
    most = profile.guardrails.max_requests
    if most is not None and requests > most:
        message = (
            f"allows {most:,} requests, and this audit sends {requests:,}: lower --prompts or --samples, or raise it"
        )
        raise AuthorError([profile.fault(("guardrails", "max_requests"), message)])
