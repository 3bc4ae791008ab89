"""Renders a verdict as annotations of GitHub Actions, which are workflow commands.

GitHub shows at most 10 errors and 10 warnings of a step, and drops the rest silently. Source: docs.github.com, Workflow
commands for GitHub Actions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.verdict import warnings_besides
from relayload.report.ci_cases import BELIEVED, WARNING, Case, cases
from relayload.report.not_run import NotRun
from relayload.report.text import error_rows

_MOST_OF_A_KIND = 10
_LONGEST_TITLE = 200
_UNCLEAR = (Status.INCONCLUSIVE, Status.NOT_JUDGED)


Locate = Callable[[str], str | None]
"""Maps the path of a file to its path in the repository; None if it is outside."""


def render_annotations(summary: Summary, verdict: Verdict, locate: Locate = str) -> str:
    """Render an error for each failure, and a warning for what is inconclusive or only warns; empty if all is well.

    Each is shown beside the profile's line that has the requirement, if that is known. A notice shows the errors of
    failed requests, if those made the run fail.
    """
    missed = [case for case in cases(verdict) if case.status is not Status.PASS]
    if verdict.verdict is Status.INVALID:
        missed = [case for case in missed if case.status is Status.FAIL or case.name == BELIEVED]  # no more is known
    errors = [case for case in missed if case.status not in _UNCLEAR]
    unclear = [case for case in missed if case.status in _UNCLEAR]
    warns = [case for case in cases(verdict) if case.status is Status.PASS and case.message.startswith(WARNING)]
    minded = [Case("recording", Status.PASS, warning) for warning in warnings_besides(summary, verdict)]
    failed = (
        [] if verdict.verdict is Status.PASS else [Case("errors", verdict.verdict, row) for row in error_rows(summary)]
    )
    kinds = (("error", errors), ("warning", [*unclear, *warns, *minded]), ("notice", failed))
    return "".join(_commands(kind, [_annotation(case) for case in cases], locate) for kind, cases in kinds)


def render_annotations_not_run(not_run: NotRun, locate: Locate = str) -> str:
    """Render an error for each fault, beside its line."""
    annotations = [
        _Annotation(
            f"{not_run.kind}: {fault.path or not_run.name}", fault.message, fault.file, fault.line, fault.column
        )
        for fault in not_run.faults
    ]
    return _commands("error", annotations, locate)


@dataclass(frozen=True, slots=True)
class _Annotation:
    """An annotation; line and column are 0 if it belongs to no line of a file."""

    title: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0


def _annotation(case: Case) -> _Annotation:
    title = f"{WARNING if case.status is Status.PASS else case.status.value}: {case.name}"
    if case.written is None:
        return _Annotation(title, case.message)
    return _Annotation(title, case.message, case.written.file, case.written.line, case.written.column)


def _commands(kind: str, annotations: Sequence[_Annotation], locate: Locate) -> str:
    """Render all annotations, or as many as GitHub shows, the last of which counts the others."""
    if len(annotations) > _MOST_OF_A_KIND:
        shown = annotations[: _MOST_OF_A_KIND - 1]
        rest = f"{len(annotations) - len(shown)} more are in the step summary and in the log"
        annotations = [*shown, _Annotation(f"{annotations[-1].title.partition(':')[0]}: more", rest)]
    return "".join(f"{_command(kind, annotation, locate)}\n" for annotation in annotations)


def _command(kind: str, annotation: _Annotation, locate: Locate) -> str:
    """Render one: `::error file=relay.yaml,line=12,col=9,title=FAIL%3A ttft.p99 < 1s::ttft.p99 < 1s: observed ...`"""
    file = locate(annotation.file) if annotation.line else None
    place = "" if file is None else f"file={_property(file)},line={annotation.line},col={annotation.column},"
    return f"::{kind} {place}title={_property(annotation.title[:_LONGEST_TITLE])}::{_data(annotation.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
