"""A verdict as GitHub Actions shows it: annotations, as workflow commands.

GitHub shows at most 10 errors and 10 warnings of a step, and drops the rest without a word.
Source: docs.github.com, Workflow commands for GitHub Actions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relayload.core.metrics.summary import Summary
from relayload.core.model.verdict import Status, Verdict
from relayload.core.objectives.verdict import warnings_besides
from relayload.report.ci_cases import WARNING, Case, cases
from relayload.report.not_run import NotRun
from relayload.report.text import error_rows

_MOST_OF_A_KIND = 10
_LONGEST_TITLE = 200
_UNCLEAR = (Status.INCONCLUSIVE, Status.NOT_JUDGED)


Locate = Callable[[str], str | None]
"""From a file as it was named to where it is in the repository; None where it is not."""


def render_annotations(summary: Summary, verdict: Verdict, locate: Locate = str) -> str:
    """An error for each failure, a warning for whatever can't be told or only warns; nothing if all is well.

    Each is shown beside the line of the profile that asks for it, where that is known. A notice tells what the requests
    came to that failed, where that made the run fail.
    """
    told = [case for case in cases(verdict) if case.status is not Status.PASS]
    if verdict.verdict is Status.INVALID:
        told = told[:1]  # the objectives have nothing to add
    errors = [case for case in told if case.status not in _UNCLEAR]
    unclear = [case for case in told if case.status in _UNCLEAR]
    warns = [case for case in cases(verdict) if case.status is Status.PASS and case.message.startswith(WARNING)]
    minded = [Case("recording", Status.PASS, warning) for warning in warnings_besides(summary, verdict)]
    said = (
        [] if verdict.verdict is Status.PASS else [Case("errors", verdict.verdict, row) for row in error_rows(summary)]
    )
    kinds = (("error", errors), ("warning", [*unclear, *warns, *minded]), ("notice", said))
    return "".join(_commands(kind, [_annotation(case) for case in cases], locate) for kind, cases in kinds)


def render_annotations_not_run(not_run: NotRun, locate: Locate = str) -> str:
    """An error for each fault, beside its line."""
    told = [
        _Annotation(
            f"{not_run.kind}: {fault.path or not_run.name}", fault.message, fault.file, fault.line, fault.column
        )
        for fault in not_run.faults
    ]
    return _commands("error", told, locate)


@dataclass(frozen=True, slots=True)
class _Annotation:
    """Line and column are 0 where it belongs to no line of a file."""

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


def _commands(kind: str, told: Sequence[_Annotation], locate: Locate) -> str:
    """All of them, or as many as are shown, the last of which tells how many more there are."""
    if len(told) > _MOST_OF_A_KIND:
        shown = told[: _MOST_OF_A_KIND - 1]
        rest = f"{len(told) - len(shown)} more are in the step summary and in the log"
        told = [*shown, _Annotation(f"{told[-1].title.partition(':')[0]}: more", rest)]
    return "".join(f"{_command(kind, annotation, locate)}\n" for annotation in told)


def _command(kind: str, told: _Annotation, locate: Locate) -> str:
    """`::error file=relay.yaml,line=12,col=9,title=FAIL%3A ttft.p99 < 1s::ttft.p99 < 1s: observed ...`"""
    file = locate(told.file) if told.line else None
    place = "" if file is None else f"file={_property(file)},line={told.line},col={told.column},"
    return f"::{kind} {place}title={_property(told.title[:_LONGEST_TITLE])}::{_data(told.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
