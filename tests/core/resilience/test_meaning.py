from pathlib import Path

import pytest

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.dialects import classifier, kind_of_status
from relayload.core.resilience.meaning import COUNTED, MEANINGS, RETRIED, FailureMatcher, Meaning, failure_matcher


def covers(chosen: FailureMatcher, signals: AttemptSignals) -> bool:
    return chosen.covers(classifier("one-api").classify(signals), signals)


def test_every_kind_has_a_meaning() -> None:
    assert set(MEANINGS) == set(FailureKind)


def test_the_documentation_has_the_same_table() -> None:
    table = (Path(__file__).parents[3] / "docs" / "client.md").read_text()
    cells = {kind: [cell.strip() for cell in line.split("|")] for kind in FailureKind for line in rows(table, kind)}
    told = {kind: Meaning(*(answer == "yes" for answer in row[3:6])) for kind, row in cells.items()}
    assert told == MEANINGS


def rows(table: str, kind: FailureKind) -> list[str]:
    return [line for line in table.splitlines() if line.startswith(f"| `{kind}` |")]


def test_only_what_can_help_is_retried() -> None:
    assert RETRIED.kinds == {
        FailureKind.RATE_LIMITED,
        FailureKind.OVERLOADED,
        FailureKind.SERVER_ERROR,
        FailureKind.TIMED_OUT,
        FailureKind.UNREACHABLE,
        FailureKind.BROKEN_STREAM,
    }


def test_only_failures_of_the_relay_count_against_its_breaker() -> None:
    assert RETRIED.kinds - COUNTED.kinds == {FailureKind.RATE_LIMITED}
    assert COUNTED.kinds < RETRIED.kinds


USUAL = failure_matcher([429, 500, 502, 503, 504, "timeout", "connect"])
"""As profiles write it."""


@pytest.mark.parametrize(
    ("signals", "covered"),
    [
        (AttemptSignals(status=429), True),
        (AttemptSignals(status=500), True),
        (AttemptSignals(status=504), True),
        (AttemptSignals(status=200, failure="error_event", code="503"), True),
        (AttemptSignals(failure="connect"), True),
        (AttemptSignals(failure="dns"), True),
        (AttemptSignals(failure="connect_timeout"), True),
        (AttemptSignals(failure="first_token_timeout"), True),
        (AttemptSignals(status=200, failure="gap_timeout"), True),
        (AttemptSignals(status=501), False),
        (AttemptSignals(status=408), False),
        (AttemptSignals(status=529), False),
        (AttemptSignals(status=200, failure="no_finish"), False),
        (AttemptSignals(status=400), False),
        (AttemptSignals(status=401), False),
        (AttemptSignals(status=429, code="insufficient_quota"), False),
        (AttemptSignals(status=503, message="无可用渠道"), False),
        (AttemptSignals(status=500, code="context_length_exceeded"), False),
    ],
)
def test_a_list_covers_what_it_names_but_not_what_is_worse_than_its_status(
    signals: AttemptSignals, covered: bool
) -> None:
    assert covers(USUAL, signals) is covered


@pytest.mark.parametrize(
    ("name", "signals"),
    [
        (409, AttemptSignals(status=409)),
        ("409", AttemptSignals(status=409)),
        (402, AttemptSignals(status=402)),
        ("4xx", AttemptSignals(status=404)),
        ("5xx", AttemptSignals(status=529)),
        ("rate_limited", AttemptSignals(status=429)),
        ("Broken_Stream", AttemptSignals(status=200, failure="no_finish")),
        ("no_finish", AttemptSignals(status=200, failure="no_finish")),
        ("quota_exhausted", AttemptSignals(status=429, code="insufficient_quota")),
        ("timed_out", AttemptSignals(status=504)),
        ("timed_out", AttemptSignals(failure="total_timeout")),
        ("timeout", AttemptSignals(failure="total_timeout")),
        ("connect", AttemptSignals(failure="connect_timeout")),
        ("connect", AttemptSignals(failure="reset_unanswered")),
    ],
)
def test_a_list_may_name_statuses_kinds_and_failures(name: int | str, signals: AttemptSignals) -> None:
    assert covers(failure_matcher([name]), signals)


def test_a_timeout_of_our_own_is_not_a_504() -> None:
    assert not covers(failure_matcher(["timeout"]), AttemptSignals(status=504))


def test_an_empty_list_covers_nothing() -> None:
    assert not any(covers(failure_matcher([]), AttemptSignals(status=status)) for status in range(300, 600))


@pytest.mark.parametrize("name", ["ok", "cancelled", 200, "2xx", "6xx", 99, "oops", ""])
def test_a_name_that_is_none_is_told_in_one_line(name: int | str) -> None:
    with pytest.raises(
        ValueError, match=f"^expected a status such as 503 or 5xx, 'timeout' or one of .*, got '{name}'$"
    ):
        failure_matcher([name])


@pytest.mark.parametrize("kind", FailureKind)
def test_the_usual_selections_look_at_kinds_alone(kind: FailureKind) -> None:
    for status in (None, 200, 429, 500):
        signals = AttemptSignals(status=status)
        assert RETRIED.covers(kind, signals) is MEANINGS[kind].retried
        assert COUNTED.covers(kind, signals) is MEANINGS[kind].counted


def test_a_status_covers_answers_that_say_nothing_else() -> None:
    assert all(
        failure_matcher([status]).covers(kind_of_status(status), AttemptSignals(status=status))
        for status in range(300, 600)
    )
