"""`relayload audit`: is the usage that a relay reports honest, and is it the model that it names?"""

import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from relayload.core.errors import Fault
from relayload.verbs.arguments import (
    HTML,
    JSON,
    PROFILE,
    SETS,
    author_errors_exit,
    keep_page,
    print_failure,
    print_value,
    write_page,
    write_text,
)
from relayload.verbs.measuring import Told, check_empty, write_json

if TYPE_CHECKING:
    from relayload.audit.options import Asked
    from relayload.audit.session import Answers
    from relayload.audit.steps import Step
    from relayload.core.audit.result import AuditResult
    from relayload.locust_plugin.runs_in_turn import Place
    from relayload.profile import Profile

_AN_ANSWER_S = 2.0
"""About what 40 tokens of a large model take."""
_MINUTE_S = 60.0


@click.command()
@click.option("--reference", metavar="NAME|FILE", help="A target of PROFILE, or a recording; the first of several.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ask the reference alone, and write a recording of its answers.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="A recording of a model that might answer instead, to tell whether that would be seen. May be repeated.",
)
@click.option("--max-age", default="30d", metavar="TIME", help="The oldest recording to compare with; 30d.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Audit this model of PROFILE. May be repeated.")
@click.option("--prompts", default=50, type=click.IntRange(2, 50), metavar="N", help="Open questions to ask; 50.")
@click.option(
    "--samples", default=10, type=click.IntRange(2, 1000), metavar="N", help="How often to ask each of a target; 10."
)
@click.option("--concurrency", default=4, type=click.IntRange(1, 1000), metavar="N", help="Requests at once; 4.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Directory of the runs and results; a new one under runs/."
)
@click.option(
    "--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write it as Markdown."
)
@HTML
@JSON
@PROFILE
@SETS
@author_errors_exit
def command(
    profile: Path | None,
    sets: tuple[str, ...],
    out: Path | None,
    markdown: Path | None,
    html: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Ask the targets of PROFILE questions, and tell whether their usage is as counted and their models are the same.

    The same questions go to the relay and to the reference, in a random order, each several times at temperature 1. It
    tells first what that takes. The profile's load does not run; its targets, keys, headers, client and guardrails
    count. Without a reference no model is compared.
    """
    if profile is None:
        raise click.UsageError("missing PROFILE: name a file, or a ready profile such as compare-relay-direct")
    from relayload.audit.options import Options, asked_of, check_caps
    from relayload.audit.steps import left_out, steps_of
    from relayload.locust_plugin.runs_in_turn import Place
    from relayload.profile.loading import load
    from relayload.profile.ready_profiles import find
    from relayload.recording import new_run_dir

    now = datetime.now(UTC)
    loaded = load(profile, sets)
    for caution in (each for each in loaded.cautions if each not in loaded.unaudited):
        click.echo(str(caution), err=True)
    asked = asked_of(loaded, Options(**options), now)
    sets = (*sets, *left_out(loaded, asked))
    own = load(profile, sets)
    steps = steps_of(own, asked)
    _check_sound(own, asked, steps)
    check_caps(own, sum(step.requests for step in steps) * len(asked.targets))
    if out is not None:
        check_empty(out)
    for line in filter(None, (asked.short_recording(), *_announced(own, asked, steps))):
        click.echo(line, err=True)
    directory = out or new_run_dir(f"audit-{loaded.name}")
    audit = _Audit(loaded, own, asked, steps, Place(find(profile), sets, directory), now)
    sys.exit(audit.carry_out(markdown=markdown, html=html, as_json=as_json))


def _check_sound(profile: "Profile", asked: "Asked", steps: "Sequence[Step]") -> None:
    """Raise AuthorError if the profile can't be run with the questions of the audit."""
    from relayload.audit.steps import overrides
    from relayload.profile.loading import overridden

    for step in steps:
        overridden(profile, overrides(step, profile, asked.options.concurrency, asked.reference_target))


def _announced(profile: "Profile", asked: "Asked", steps: "Sequence[Step]") -> list[str]:
    """Return what will be sent to each target, the most that it costs, and about how long it takes."""
    from relayload.audit.steps import spending
    from relayload.core.units import format_usd

    lines = [f"{profile.name}: {', '.join(asked.models)}"]
    for name in asked.targets:
        sent = spending(steps, profile, name)
        cost = "an unknown cost" if sent.most_usd is None else f"at most {format_usd(sent.most_usd)}"
        what = f"{sent.requests:,} requests, about {sent.input_tokens:,} tokens of input, at most "
        what += f"{sent.most_output_tokens:,} of output, {cost}"
        role = " (reference)" if name == asked.reference_target else ""
        lines.append(f"  {name} {profile.named_targets[name].base_url}{role}: {what}")
    lines.append(f"  {_time_needed(asked, steps)}")
    unpriced = [name for name in asked.targets if spending(steps, profile, name).most_usd is None]
    if unpriced:
        place = f"targets.{unpriced[0]}.prices" if profile.targets else "target.prices"
        lines.append(f"  prices: set {place} to see dollars a month")
    return [*lines, *_bounds(profile)]


def _time_needed(asked: "Asked", steps: "Sequence[Step]") -> str:
    """Return how long it takes if answers take as long as short ones of large models do."""
    from relayload.core.units import format_duration

    at_once = asked.options.concurrency
    needed_s = sum(step.requests for step in steps) * len(asked.targets) * _AN_ANSWER_S / at_once
    about = format_duration(round(needed_s)) if needed_s >= _MINUTE_S else f"{needed_s:.0f}s"
    return f"{at_once} at once: about {about} if an answer takes {_AN_ANSWER_S:g}s"


def _bounds(profile: "Profile") -> Iterator[str]:
    """Yield a line on the guardrails that hold, if any does."""
    from relayload.core.units import format_duration, format_usd

    rails = profile.guardrails
    told = [] if rails.max_requests is None else [f"{rails.max_requests:,} requests"]
    told += [] if rails.max_usd is None else [format_usd(rails.max_usd)]
    told += [] if rails.max_duration_s is None else [f"{format_duration(rails.max_duration_s)} a run"]
    if told:
        yield f"  guardrails: at most {', '.join(told)}"


class _Audit:
    """One audit, from its questions to its files."""

    def __init__(
        self,
        profile: "Profile",
        own: "Profile",
        asked: "Asked",
        steps: "Sequence[Step]",
        place: "Place",
        now: datetime,
    ) -> None:
        """`own` is the profile with what is audited alone."""
        self._profile, self._own, self._asked, self._steps = profile, own, asked, steps
        self._place, self._directory, self._now = place, place.out, now

    def carry_out(self, *, markdown: Path | None, html: Path | None, as_json: bool) -> int:
        """Ask, judge, print and write; return the exit code."""
        from relayload.locust_plugin.runs_in_turn import NotMeasured
        from relayload.report.audit_result import render_result, render_result_markdown
        from relayload.report.html.audit_page import render_audit_page

        try:
            answers = self._answers()
        except NotMeasured as failure:
            click.echo(str(failure), err=True)
            if as_json:
                print_failure(failure.code, [Fault(str(failure))])
            return failure.code
        found = self._found(answers)
        write_json(self._directory / "audit.json", found)
        text = render_result_markdown(found)
        for path in (self._directory / "audit.md", *([markdown] if markdown else [])):
            write_text(path, text)
        page = render_audit_page(found)
        keep_page(self._directory / "report.html", page)
        print_value(found, as_json, render_result)
        if html is not None:
            write_page(html, page)
        self._record(answers)
        click.echo(f"audit: {self._directory}", err=True)
        return found.exit_code

    def _answers(self) -> "Answers":
        from relayload.audit.session import Session
        from relayload.engine.fake_relays import Fakes
        from relayload.report.live import LiveDisplay

        fakes = Fakes(self._own)
        try:
            with LiveDisplay(f"audit of {self._profile.name}") as display:
                self._place = replace(self._place, fakes=fakes.base_urls())
                return Session(self._own, self._asked, self._steps, self._place, Told(display)).ask()
        finally:
            fakes.stop()

    def _found(self, answers: "Answers") -> "AuditResult":
        from relayload import __version__
        from relayload.audit.judging import judged
        from relayload.core.audit.result import AuditResult

        click.echo(f"comparing {len(answers.lines):,} answers", err=True)
        about = AuditResult(
            profile=self._profile.name,
            profile_sha256=self._profile.sha256,
            targets={
                name: self._place.fakes.get(name) or self._own.named_targets[name].base_url
                for name in self._asked.targets
            },
            models=tuple(self._asked.models),
            started_at=self._now.isoformat(timespec="seconds"),
            versions={"relayload": __version__, "python": platform.python_version()},
            platform=platform.platform(),
        )
        return judged(about, self._profile, self._asked, answers, self._directory)

    def _record(self, answers: "Answers") -> None:
        """Write the recording of the reference, if one was asked for and is whole."""
        from relayload.audit.reference_file import recording_of

        file = self._asked.options.record
        if file is None:
            return
        if answers.ended_by is not None:
            click.echo(f"{file} is not written: {answers.ended_by} ended it before everything was asked", err=True)
            return
        (target,), (model,) = self._asked.targets, self._asked.models
        base_url = self._own.named_targets[target].base_url
        write_json(file, recording_of(answers.lines, base_url, model, self._now))
        click.echo(f"reference: {file}", err=True)
