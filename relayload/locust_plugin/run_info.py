"""Makes the contents of `run.json` when a run begins, and writes the profile beside it."""

from locust import __version__ as locust_version

import math
import platform
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import yaml

from relayload import __version__
from relayload.core.model.objective_options import Written
from relayload.core.printable import one_line
from relayload.profile import Profile
from relayload.profile.loads import BatchLoad
from relayload.profile.plan import stages
from relayload.recording import ProfileInfo, RunInfo, StageInfo, TargetInfo
from relayload.recording.kept_reference import keep_reference

_PROFILE_FILE = "profile.yaml"


def new_run_info(profile: Profile, run_id: str, base_urls: dict[str, str]) -> RunInfo:
    """Return a run of the profile that begins now, with the base URL of each target by name."""
    named = profile.named_targets
    (first, *_) = named
    return RunInfo(
        run_id=run_id,
        uid=uuid4().hex,
        profile=ProfileInfo(name=profile.name, sha256=profile.sha256, file=_PROFILE_FILE),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        load_kind=profile.load.kind,
        stages=tuple(
            StageInfo(name=stage.name, for_s=_finite(stage.for_s), warmup=not stage.measured, pause=stage.pause)
            for stage in stages(profile)
        ),
        workers=1,
        requests=profile.load.requests if isinstance(profile.load, BatchLoad) else None,
        base_url=base_urls[first],
        targets=_target_infos(profile, base_urls) if profile.several else {},
        keys=profile.key_names,
        tags=profile.scenario_tags,
        paired=profile.paired,
        reference=profile.audit.reference_target,
        streaming=tuple(name for name, scenario in profile.scenarios.items() if scenario.streams),
        cautions=tuple(dict.fromkeys(caution for target in named.values() for caution in target.cautions)),
        objectives=tuple(objective.spec for objective in profile.objectives),
        written=_written(profile),
        thresholds=profile.generator.thresholds,
        records=profile.recording.records,
        prices=named[first].known_prices,
        versions={"relayload": __version__, "locust": locust_version, "python": platform.python_version()},
        platform=_platform(),
    )


def write_profile(run_dir: Path, profile: Profile) -> None:
    """Write the effective profile, with everything that it extends and that was set, as YAML."""
    text = yaml.safe_dump(profile.effective, sort_keys=False, allow_unicode=True)
    (run_dir / _PROFILE_FILE).write_text(text, encoding="utf-8")


def keep_recorded_reference(run_dir: Path, profile: Profile) -> None:
    """Copy the recorded answers that the profile names as its reference, so that the run can be judged by them."""
    if profile.audit.reference_file is not None:
        keep_reference(run_dir, profile.audit.reference_file)


def _written(profile: Profile) -> dict[str, Written]:
    """Return the place of each objective that stands in a file."""
    faults = ((objective.id, profile.fault(location, "")) for location, objective in profile.placed_objectives)
    return {
        name: Written(file=one_line(one.file), line=one.line, column=one.column) for name, one in faults if one.line
    }


def _platform() -> str:
    """Return a name such as `Linux-6.8.0-x86_64`; platform.platform() would start a process, which takes longer."""
    machine = platform.uname()
    return "-".join((machine.system, machine.release, machine.machine))


def _target_infos(profile: Profile, base_urls: dict[str, str]) -> dict[str, TargetInfo]:
    return {
        name: TargetInfo(base_url=base_urls[name], prices=target.known_prices)
        for name, target in profile.named_targets.items()
    }


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
