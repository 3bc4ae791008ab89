import re
from urllib.parse import unquote

import pytest
from msgspec import structs

from relayload.core.errors import Fault
from relayload.core.model.objective_options import Written
from relayload.core.model.record import Outcome
from relayload.core.model.verdict import Status
from relayload.core.objectives.verdict import held
from relayload.report.github import render_annotations, render_annotations_not_run
from relayload.report.not_run import NotRun

_COMMAND = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")


def _parsed(text: str) -> list[tuple[str, str, str]]:
    """Kind, title and message, as the runner decodes them: %25, %0D, %0A, %3A and %2C are all that it knows."""
    matches = [_COMMAND.fullmatch(line) for line in text.splitlines()]
    assert all(matches), text
    return [(match[1], unquote(match[2]), unquote(match[3])) for match in matches if match]


def _findings(summary, verdict) -> list[tuple[str, str, str]]:
    """All but the notices."""
    return [told for told in _parsed(render_annotations(summary, verdict)) if told[0] != "notice"]


def test_a_pass_has_nothing_to_annotate(judged, some_lines):
    summary, verdict = judged(["latency.p50 < 1s"], some_lines)
    assert render_annotations(summary, verdict) == ""


def test_failures_are_errors_and_what_can_not_be_told_is_a_warning(judged, some_lines):
    summary, verdict = judged(["errors.rate < 0.1%", "latency{outcome=ok}.p99.9 < 1s", "latency.p50 < 1s"], some_lines)
    (failed, unclear) = _findings(summary, verdict)
    assert failed[:2] == ("error", "FAIL: errors.rate < 0.1%")
    assert failed[2].startswith("errors.rate < 0.1%: observed 1% (")
    assert unclear[:2] == ("warning", "INCONCLUSIVE: latency{outcome=ok}.p99.9 < 1s")


def test_a_run_that_can_not_be_believed_is_told_once(judged, some_lines):
    summary, verdict = judged(["latency.p50 < 1ms"], some_lines, ended_by=None)
    assert _findings(summary, verdict) == [
        ("error", "INVALID: the generator can be believed", "the run was killed, or could not record its end")
    ]


def test_what_failed_all_the_same_is_told_before_what_can_not_be_believed(judged, some_lines):
    summary, verdict = judged(["latency.p50 < 1ms", "errors.rate < 0.1%"], some_lines, ended_by=None)
    failed, invalid = _findings(summary, verdict)
    assert failed[:2] == ("error", "FAIL: errors.rate < 0.1%")
    assert failed[2].startswith("failed all the same, though the run can't be believed; errors.rate < 0.1%: observed")
    assert invalid[1] == "INVALID: the generator can be believed"


@pytest.mark.parametrize("word", [Status.FAIL, Status.INCONCLUSIVE])
@pytest.mark.parametrize(("count", "shown", "more"), [(10, 10, None), (11, 10, "2 more"), (40, 10, "31 more")])
def test_no_more_are_told_than_a_step_shows(word: Status, count: int, shown: int, more, judged, some_lines):
    summary, verdict = judged(["errors.rate < 0.1%"], some_lines)
    one = structs.replace(verdict.objectives[0], verdict=word)
    told = _findings(summary, structs.replace(verdict, objectives=(one,) * count))
    assert len(told) == shown
    assert more is None or told[-1][2].startswith(more)


def test_text_that_would_end_or_split_a_command_is_escaped(judged, some_lines):
    summary, verdict = judged(["latency{scenario=simple, stage=steady}.p50 < 1ms"], some_lines)
    nasty = structs.replace(verdict.objectives[0], reason="100%25 of:\r\n::error::no, really")
    ((_, title, message),) = _findings(summary, structs.replace(verdict, objectives=(nasty,)))
    assert title == "FAIL: latency{scenario=simple, stage=steady}.p50 < 1ms"
    assert message.endswith("100%25 of:\r\n::error::no, really")


def test_an_objective_that_only_warns_is_a_warning(judged, some_lines, warning):
    summary, verdict = judged([warning, "latency.p50 < 1s"], some_lines)
    (told,) = _findings(summary, verdict)
    assert told[:2] == ("warning", "warning: errors.rate < 0.1%")


def test_a_run_without_objectives_is_warned_of(judged, some_lines):
    summary, verdict = judged([], some_lines)
    (told,) = _findings(summary, verdict)
    assert told == (
        "warning",
        "NOT JUDGED: there was something to judge by",
        "NOT JUDGED: the profile has no objectives",
    )
    (told,) = _findings(summary, held(verdict))
    assert told[:2] == ("warning", "NOT JUDGED: there was something to judge by")
    assert told[2].startswith("there are no objectives to judge by")


def test_what_the_relay_said_is_a_notice_where_it_made_the_run_fail(judged, request_line):
    refused = {
        "outcome": Outcome.RATE_LIMITED,
        "error": "http_429",
        "status": 429,
        "relay_message": "slow down: 5, please",
    }
    lines = [request_line(index, **(refused if index % 2 else {})) for index in range(100)]
    *_, told = _parsed(render_annotations(*judged(["errors.rate < 1%"], lines)))
    assert told == ("notice", "FAIL: errors", "50 rate_limited (http_429): slow down: 5, please")


def test_what_is_to_be_minded_of_the_recording_is_a_warning(judged, some_lines):
    summary, verdict = judged(["latency.p50 < 1s"], some_lines)
    torn = structs.replace(summary, warnings=("records-0.jsonl:7: the line is torn",))
    assert _findings(torn, verdict) == [("warning", "warning: recording", "records-0.jsonl:7: the line is torn")]


WRITTEN = {"errors.rate < 0.1%": Written(file="profiles/a,b.yaml", line=12, column=5)}


def test_an_objective_is_annotated_beside_its_line(judged, some_lines):
    summary, verdict = judged(["errors.rate < 0.1%"], some_lines, written=WRITTEN)
    (line, _) = render_annotations(summary, verdict).splitlines()
    assert line.startswith("::error file=profiles/a%2Cb.yaml,line=12,col=5,title=FAIL%3A errors.rate < 0.1%25::")


def test_a_file_that_is_not_in_the_repository_is_not_named(judged, some_lines):
    summary, verdict = judged(["errors.rate < 0.1%"], some_lines, written=WRITTEN)
    assert render_annotations(summary, verdict, lambda _: None).startswith("::error title=FAIL%3A errors.rate")
    assert render_annotations(summary, verdict, lambda file: f"sub/{file}").startswith("::error file=sub/profiles/")


def test_what_is_wrong_with_a_profile_is_an_error_beside_its_line():
    faults = (
        Fault("is required", "load.stages.1.rate", "relay.yaml", 12, 9),
        Fault("cannot be read", "", "other.yaml"),
    )
    assert render_annotations_not_run(NotRun("relay", 2, faults)) == (
        "::error file=relay.yaml,line=12,col=9,title=BAD INPUT%3A load.stages.1.rate::is required\n"
        "::error title=BAD INPUT%3A relay::cannot be read\n"
    )


def test_of_many_faults_ten_are_told():
    faults = tuple(Fault("is required", "name", "relay.yaml", line, 1) for line in range(1, 31))
    lines = render_annotations_not_run(NotRun("relay", 2, faults)).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "::error title=BAD INPUT%3A more::21 more are in the step summary and in the log"
