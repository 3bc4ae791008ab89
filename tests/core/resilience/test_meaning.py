from pathlib import Path

import pytest

from relayload.core.resilience.classify import Kind, Signs
from relayload.core.resilience.dialects import classifier, kind_of_status
from relayload.core.resilience.meaning import COUNTED, MEANINGS, RETRIED, Meaning, Selection, selection


def covers(chosen: Selection, signs: Signs) -> bool:
    return chosen.covers(classifier("one-api").classify(signs), signs)


def test_every_kind_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Kind)


def test_the_documentation_has_the_same_table() -> None:
    table = (Path(__file__).parents[3] / "docs" / "client.md").read_text()
    cells = {kind: [cell.strip() for cell in line.split("|")] for kind in Kind for line in rows(table, kind)}
    told = {kind: Meaning(*(answer == "yes" for answer in row[3:6])) for kind, row in cells.items()}
    assert told == MEANINGS


def rows(table: str, kind: Kind) -> list[str]:
    return [line for line in table.splitlines() if line.startswith(f"| `{kind}` |")]


def test_only_what_can_help_is_retried() -> None:
    assert RETRIED.kinds == {
        Kind.RATE_LIMITED,
        Kind.OVERLOADED,
        Kind.SERVER_ERROR,
        Kind.TIMED_OUT,
        Kind.UNREACHABLE,
        Kind.BROKEN_STREAM,
    }


def test_only_failures_of_the_relay_count_against_its_breaker() -> None:
    assert RETRIED.kinds - COUNTED.kinds == {Kind.RATE_LIMITED}
    assert COUNTED.kinds < RETRIED.kinds


USUAL = selection([429, 500, 502, 503, 504, "timeout", "connect"])
"""As profiles write it."""


@pytest.mark.parametrize(
    ("signs", "covered"),
    [
        (Signs(status=429), True),
        (Signs(status=500), True),
        (Signs(status=504), True),
        (Signs(status=200, failure="error_event", code="503"), True),
        (Signs(failure="connect"), True),
        (Signs(failure="dns"), True),
        (Signs(failure="connect_timeout"), True),
        (Signs(failure="first_token_timeout"), True),
        (Signs(status=200, failure="gap_timeout"), True),
        (Signs(status=501), False),
        (Signs(status=408), False),
        (Signs(status=529), False),
        (Signs(status=200, failure="no_finish"), False),
        (Signs(status=400), False),
        (Signs(status=401), False),
        (Signs(status=429, code="insufficient_quota"), False),
        (Signs(status=503, message="无可用渠道"), False),
        (Signs(status=500, code="context_length_exceeded"), False),
    ],
)
def test_a_list_covers_what_it_names_but_not_what_is_worse_than_its_status(signs: Signs, covered: bool) -> None:
    assert covers(USUAL, signs) is covered


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        (409, Signs(status=409)),
        ("409", Signs(status=409)),
        (402, Signs(status=402)),
        ("4xx", Signs(status=404)),
        ("5xx", Signs(status=529)),
        ("rate_limited", Signs(status=429)),
        ("Broken_Stream", Signs(status=200, failure="no_finish")),
        ("no_finish", Signs(status=200, failure="no_finish")),
        ("quota_exhausted", Signs(status=429, code="insufficient_quota")),
        ("timed_out", Signs(status=504)),
        ("timed_out", Signs(failure="total_timeout")),
        ("timeout", Signs(failure="total_timeout")),
        ("connect", Signs(failure="connect_timeout")),
        ("connect", Signs(failure="reset_unanswered")),
    ],
)
def test_a_list_may_name_statuses_kinds_and_failures(name: int | str, signs: Signs) -> None:
    assert covers(selection([name]), signs)


def test_a_timeout_of_our_own_is_not_a_504() -> None:
    assert not covers(selection(["timeout"]), Signs(status=504))


def test_an_empty_list_covers_nothing() -> None:
    assert not any(covers(selection([]), Signs(status=status)) for status in range(300, 600))


@pytest.mark.parametrize("name", ["ok", "cancelled", 200, "2xx", "6xx", 99, "oops", ""])
def test_a_name_that_is_none_is_told_in_one_line(name: int | str) -> None:
    with pytest.raises(
        ValueError, match=f"^expected a status such as 503 or 5xx, 'timeout' or one of .*, got '{name}'$"
    ):
        selection([name])


@pytest.mark.parametrize("kind", Kind)
def test_the_usual_selections_look_at_kinds_alone(kind: Kind) -> None:
    for status in (None, 200, 429, 500):
        signs = Signs(status=status)
        assert RETRIED.covers(kind, signs) is MEANINGS[kind].retried
        assert COUNTED.covers(kind, signs) is MEANINGS[kind].counted


def test_a_status_covers_answers_that_say_nothing_else() -> None:
    assert all(selection([status]).covers(kind_of_status(status), Signs(status=status)) for status in range(300, 600))
