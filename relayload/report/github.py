"""A verdict as GitHub Actions shows it: annotations, as workflow commands.

GitHub shows at most 10 errors and 10 warnings of a step, and drops the rest without a word.
Source: docs.github.com, Workflow commands for GitHub Actions.
"""

from collections.abc import Sequence

from relayload.core.results.summary import Summary
from relayload.core.verdict.gate import Verdict
from relayload.core.verdict.stats import Word
from relayload.report.cases import WARNING, Case, cases
from relayload.report.text import error_rows

_MOST_OF_A_KIND = 10
_LONGEST_TITLE = 200


def render_annotations(summary: Summary, verdict: Verdict) -> str:
    """An error for each failure, a warning for whatever can't be told or only warns; nothing if all is well.

    A notice tells what the requests came to that failed, where that made the run fail.
    """
    told = [case for case in cases(verdict) if case.word is not Word.PASS]
    if verdict.verdict is Word.INVALID:
        told = told[:1]  # the objectives have nothing to add
    errors = [case for case in told if case.word is not Word.INCONCLUSIVE]
    unclear = [case for case in told if case.word is Word.INCONCLUSIVE]
    warns = [case for case in cases(verdict) if case.word is Word.PASS and case.message.startswith(WARNING)]
    minded = [Case("recording", Word.PASS, warning) for warning in summary.warnings]
    said = [] if verdict.verdict is Word.PASS else [Case("errors", verdict.verdict, row) for row in error_rows(summary)]
    lines = [
        *_commands("error", errors),
        *_commands("warning", [*unclear, *warns, *minded]),
        *_commands("notice", said),
    ]
    return "".join(f"{line}\n" for line in lines)


def _commands(kind: str, told: Sequence[Case]) -> list[str]:
    """All of them, or as many as are shown, the last of which tells how many more there are."""
    if len(told) <= _MOST_OF_A_KIND:
        return [_command(kind, case) for case in told]
    shown = told[: _MOST_OF_A_KIND - 1]
    rest = Case("more", told[-1].word, f"{len(told) - len(shown)} more are in the step summary and in verdict.json")
    return [_command(kind, case) for case in (*shown, rest)]


def _command(kind: str, case: Case) -> str:
    title = f"{WARNING if case.word is Word.PASS else case.word.value}: {case.name}"[:_LONGEST_TITLE]
    return f"::{kind} title={_property(title)}::{_data(case.message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
