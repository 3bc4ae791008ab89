"""The profile of one trial, as overrides of the profile whose capacity is searched for."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from relayload.core.capacity.pooling import grows_surer
from relayload.core.capacity.trial import Purpose, Wanted
from relayload.core.model.run import ALL
from relayload.core.objectives.objective import Objective
from relayload.core.units import format_usd
from relayload.profile import Profile

WARM, MEASURED = "warm", "trial"
"""The names of the stages of a trial."""


class Left:
    """What the guardrails leave for the rest of a search."""

    def __init__(self, profile: Profile, requests: int, usd: float | None, load_s: float) -> None:
        """Take away what was spent so far."""
        guardrails = profile.guardrails
        self.requests = None if guardrails.max_requests is None else guardrails.max_requests - requests
        self.usd = None if guardrails.max_usd is None else guardrails.max_usd - Decimal(str(usd or 0.0))
        self.load_s = None if guardrails.max_duration_s is None else guardrails.max_duration_s - load_s

    def lacking(self, wanted: Wanted) -> str | None:
        """Return which guardrail leaves too little for a trial; None if none does."""
        if self.requests is not None and self.requests < wanted.requests:
            return f"guardrails.max_requests leaves {max(0, self.requests):,} for a trial of {wanted.requests:,.0f}"
        if self.usd is not None and self.usd <= 0:
            return "guardrails.max_usd is spent"
        if self.load_s is not None and self.load_s < wanted.for_s:
            return "guardrails.max_duration leaves too little for another trial"
        return None

    def sets(self) -> Iterator[str]:
        """Yield the overrides that hold a trial to it."""
        if self.requests is not None:
            yield f"guardrails.max_requests={self.requests}"
        if self.usd is not None:
            yield f"guardrails.max_usd={format_usd(self.usd)}"
        if self.load_s is not None:
            yield f"guardrails.max_duration={self.load_s:.0f}s"


def trial_sets(profile: Profile, wanted: Wanted, number: int, left: Left | None = None) -> list[str]:
    """Return the overrides, as `--set` takes them.

    Each has a seed of its own, so that its samples are fresh. An objective ends it as soon as it is proven broken, and
    is strict where it confirms.
    """
    strict = wanted.purpose is Purpose.CONFIRM
    written = profile.effective
    sets = [f"seed={profile.seed * 1000 + number}", *_load(wanted), *_recorded(profile), *_unaudited(profile)]
    sets += _objectives("", written, [entry.objective for entry in profile.objective_entries], strict=strict)
    for name, scenario in profile.own_scenarios.items():
        path = f"scenarios.{name}."
        entries = [entry.objective for entry in scenario.objectives]
        sets += _objectives(path, written["scenarios"][name], entries, strict=strict)
    return [*sets, *(left.sets() if left else ())]


def _load(wanted: Wanted) -> Iterator[str]:
    """Yield the overrides of the load: a warm-up and a measured stage, both at one rate or with the same users."""
    rate = {"rate": f"{wanted.rate_per_s:.6g}/s"} if wanted.users is None else {}
    stages = [
        {"name": WARM, "for": f"{wanted.warmup_s:g}s", **rate, "warmup": True},
        {"name": MEASURED, "for": f"{wanted.measured_s:g}s", **rate},
    ]
    yield f"load.stages={json.dumps(stages)}"
    if wanted.users is not None:
        yield f"load.users={wanted.users}"


def _unaudited(profile: Profile) -> Iterator[str]:
    """Yield the overrides that leave out the audit, with which every trial would take longer."""
    yield "audit.answers=0"
    if profile.audit.share:
        yield "audit.share=0%"


def _recorded(profile: Profile) -> Iterator[str]:
    """Yield the override that has every request on record, which a search looks at."""
    if profile.recording.records != ALL:
        yield f"recording.records={ALL}"


def _objectives(path: str, written: Mapping[str, Any], objectives: list[Objective], *, strict: bool) -> Iterator[str]:
    if objectives:
        pairs = zip(written["objectives"], objectives, strict=True)
        entries = [_entry(each, objective, strict=strict) for each, objective in pairs]
        yield f"{path}objectives={json.dumps(entries, ensure_ascii=False)}"


def _entry(written: Any, objective: Objective, *, strict: bool) -> dict[str, Any]:
    entry = {"expr": written} if isinstance(written, str) else dict(written)
    if objective.options.severity == "error" and grows_surer(objective):
        entry["abort"] = True
    if strict:
        entry["confidence"] = "strict"
    return entry
