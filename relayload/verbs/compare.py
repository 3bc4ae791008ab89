"""`relayload compare`: compare one set of runs with another."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relayload.core.errors import AuthorError, Fault
from relayload.verbs.arguments import (
    HTML,
    JSON,
    TOLERANCE,
    author_errors_exit,
    print_value,
    tolerance_of,
    write_page,
    write_text,
)
from relayload.verbs.sorted_runs import SortedRuns

if TYPE_CHECKING:
    from relayload.core.comparison.compare import Comparison, Run
    from relayload.core.metrics.summary import Summary
    from relayload.recording import Recording, RunInfo

_DIR = click.Path(path_type=Path)


@click.command()
@click.argument("base", type=_DIR)
@click.argument("new", nargs=-1, type=_DIR, metavar="[NEW]...")
@click.option("--tolerance", help=f"How much worse a measure may become; {TOLERANCE} unless told otherwise.")
@click.option("--measure", "wanted", multiple=True, help="Compare this alone, such as latency.p95. May be repeated.")
@click.option("--markdown", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a table too.")
@HTML
@JSON
@author_errors_exit
def command(
    base: Path,
    new: tuple[Path, ...],
    tolerance: str | None,
    wanted: tuple[str, ...],
    markdown: Path | None,
    html: Path | None,
    as_json: bool,
) -> None:
    """Compare the runs in NEW with those in BASE, or the targets of one run with one another.

    Each is a recording, or a directory of recordings as `run --repeat 6` makes. Exits with 3 if a measure is proven to
    be worse by more than the tolerance, and with 4 if that can't be told. Runs that can't be believed or were cut short
    are left out and reported.

    BASE alone is a run whose profile says `compare: interleaved`: what each target adds to the first is printed again,
    which is a finding and no verdict, so the exit code is 0, or 4 if the run can't be believed.
    """
    if not new:
        _refuse_terms(tolerance, wanted)
        sys.exit(_print_targets(base, markdown, html, as_json))
    from relayload.core.comparison.compare import Side
    from relayload.recording.sets import recordings
    from relayload.report.comparison import render_comparison, render_comparison_markdown

    share = tolerance_of(tolerance or TOLERANCE)
    _refuse_same(base, new)
    before, after = SortedRuns(Side.BASE, recordings([base]), wanted), SortedRuns(Side.NEW, recordings(new), wanted)
    comparison = _compared(before, after, share)
    print_value(comparison, as_json, render_comparison)
    if markdown is not None:
        write_text(markdown, render_comparison_markdown(comparison))
    if html is not None:
        write_page(html, _page(comparison, (before, after), html.parent))
    sys.exit(comparison.exit_code)


def _refuse_same(base: Path, new: Sequence[Path]) -> None:
    """Raise AuthorError if a directory is on both sides: a set of runs is never worse than itself."""
    if base.resolve() in [each.resolve() for each in new]:
        raise AuthorError([Fault("is on both sides: name other runs to compare with it", file=str(base))])


def _refuse_terms(tolerance: str | None, wanted: Sequence[str]) -> None:
    """Raise AuthorError for --tolerance and --measure, which do not apply within one run."""
    given = {"--tolerance": tolerance is not None, "--measure": bool(wanted)}
    faults = [
        Fault("is for runs that are compared with others: name those, too", path=name) for name in given if given[name]
    ]
    if faults:
        raise AuthorError(faults)


def _print_targets(run_dir: Path, markdown: Path | None, html: Path | None, as_json: bool) -> int:
    """Print the comparison of targets within one run; return the exit code."""
    from relayload.core.model.verdict import Status
    from relayload.recording import Recording
    from relayload.recording.sets import holds_recordings, results
    from relayload.report.markdown import render_side_by_side_markdown
    from relayload.report.side_by_side import render_side_by_side

    if holds_recordings(run_dir):
        raise AuthorError(
            [Fault(f"name the runs to compare with it: relayload compare {run_dir} NEW", file=str(run_dir))]
        )
    recording = Recording.open(run_dir)
    summary, verdict = results(recording)
    if summary.comparison is None:
        why = _why_no_pairs(recording.run, summary)
        raise AuthorError([Fault(f"{why}; name other runs to compare it with", file=str(run_dir))])
    print_value(summary.comparison, as_json, render_side_by_side)
    if markdown is not None:
        write_text(markdown, render_side_by_side_markdown(summary.comparison))
    if html is not None:
        from relayload.report.html.side_by_side import render_targets_page

        write_page(html, render_targets_page(summary, summary.comparison, verdict))
    if verdict.verdict is Status.INVALID:
        click.echo(f"the run is INVALID: {'; '.join(verdict.reasons)}", err=True)
        return verdict.exit_code
    return 0


def _why_no_pairs(run: "RunInfo", summary: "Summary") -> str:
    if run.copies < 2:
        return "its profile does not say compare: interleaved"
    if run.from_snapshots:
        return f"it kept records: {run.records}, and pairs take every single request"
    return f"it has {summary.counts.started:,} requests, too many to compare in pairs"


def _compared(before: SortedRuns, after: SortedRuns, tolerance: float) -> "Comparison":
    from msgspec import structs

    from relayload.core.comparison.compare import compare

    warnings = [*_warnings(before.kept, after.kept), *before.warnings, *after.warnings]
    comparison = compare(before.runs, after.runs, tolerance, warnings, [*before.left_out, *after.left_out])
    return structs.replace(comparison, warnings=(*comparison.warnings, *_hidden(comparison, before.runs, tolerance)))


def _hidden(comparison: "Comparison", base: "Sequence[Run]", tolerance: float) -> list[str]:
    """Return warnings of measures without a verdict, where the base runs differ by more than the tolerance."""
    from relayload.core.comparison.noise import noise, undecidable
    from relayload.core.model.verdict import Status

    names = {effect.name for effect in comparison.effects if effect.verdict is Status.INCONCLUSIVE}
    undecided = [{name: measure for name, measure in run.items() if name in names} for run in base]
    runs = min(comparison.base_runs, comparison.new_runs)
    return undecidable(noise(undecided, [runs]), tolerance, runs)


def _page(comparison: "Comparison", sides: tuple[SortedRuns, SortedRuns], beside: Path) -> str:
    """Return the page, which links from the folder `beside` to those of the runs."""
    from relayload.recording.run_page import kept_profile, link_to_page
    from relayload.report.html.comparison_page import ComparedRun, ComparisonPage, render_comparison_page

    runs = [
        ComparedRun(each.side, "/".join(recording.directory.parts[-2:]), run, link_to_page(recording.directory, beside))
        for each in sides
        for recording, run in zip(each.kept, each.runs, strict=True)
    ]
    base, new = (kept_profile(each.kept[0].directory) if each.kept else None for each in sides)
    return render_comparison_page(ComparisonPage(comparison, runs, (base, new)))


def _warnings(base: "Sequence[Recording]", new: "Sequence[Recording]") -> list[str]:
    """Return warnings about differences between the runs, besides the one under test."""
    every = (*base, *new)
    profiles, told = {each.run.profile.sha256 for each in every}, sum(each.run.from_snapshots for each in every)
    before = {recording.run.identity for recording in base}
    on_both = {each.run.identity: each.run.run_id for each in new if each.run.identity in before}
    return [
        *(["the runs are of different profiles"] if len(profiles) > 1 else []),
        *(f"on both sides: {run_id}" for run_id in on_both.values()),
        *(f"{one.run.run_id}: {change}" for one in every for change in one.run.changes),
        *([f"the values of {told} of {len(every)} runs come from snapshots, to within 0.4%"] if told else []),
    ]
