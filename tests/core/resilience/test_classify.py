import pytest

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import AttemptSignals, Classifier, Rule, rule


def kind(own_rule: Rule, signals: AttemptSignals) -> FailureKind:
    return Classifier([own_rule]).classify(signals)


def test_the_first_rule_that_fits_decides() -> None:
    classifier = Classifier([rule("overloaded", status=500), rule("auth", status="5xx")])
    assert classifier.classify(AttemptSignals(status=500)) is FailureKind.OVERLOADED
    assert classifier.classify(AttemptSignals(status=501)) is FailureKind.AUTH


@pytest.mark.parametrize(
    ("own_rule", "signals", "fits"),
    [
        (rule("auth", status=503), AttemptSignals(status=503), True),
        (rule("auth", status="503"), AttemptSignals(status=503), True),
        (rule("auth", status=503), AttemptSignals(status=502), False),
        (rule("auth", status=503), AttemptSignals(failure="connect"), False),
        (rule("auth", status="5xx"), AttemptSignals(status=599), True),
        (rule("auth", status="5XX"), AttemptSignals(status=499), False),
        (rule("auth", status=[418, "5xx"]), AttemptSignals(status=418), True),
        (rule("auth", code="Gone"), AttemptSignals(status=500, code="gone"), True),
        (rule("auth", code="gone"), AttemptSignals(status=500, code="GONE"), True),
        (rule("auth", code=-1), AttemptSignals(status=200, failure="no_choices", code="-1"), True),
        (rule("auth", code=("a", "b")), AttemptSignals(status=500, code="b"), True),
        (rule("auth", code="gone"), AttemptSignals(status=500, type="gone"), False),
        (rule("auth", type="gone"), AttemptSignals(status=500, type="gone"), True),
        (rule("auth", message="no .* left"), AttemptSignals(status=500, message="Sorry, No Channel left."), True),
        (rule("auth", message="^no"), AttemptSignals(status=500, message="Sorry, no channel left."), False),
        (rule("auth", header="X-Refused"), AttemptSignals(status=500, headers={"x-refused": ""}), True),
        (rule("auth", header="x-refused"), AttemptSignals(status=500, headers={"x-refused-by": "us"}), False),
        (rule("auth", header="X-Refused*"), AttemptSignals(status=500, headers={"x-refused-by": "us"}), True),
        (rule("auth", header="x-refused-*"), AttemptSignals(status=500, headers={"x-refused": "us"}), False),
        (rule("auth", failure="reset"), AttemptSignals(failure="reset"), True),
        (rule("auth", failure="reset"), AttemptSignals(failure="truncated"), False),
        (rule("auth", finish_reason="refusal"), AttemptSignals(status=200, finish_reason="refusal"), True),
        (rule("auth", finish_reason="refusal"), AttemptSignals(status=200, finish_reason="stop"), False),
        (rule("auth", header="x-cache"), AttemptSignals(status=200, headers={"x-cache": "hit"}), True),
        (rule("auth", status=200, header="x-cache"), AttemptSignals(status=200, headers={"x-cache": "hit"}), True),
        (rule("auth", status=503, code="gone"), AttemptSignals(status=503), False),
        (rule("auth", status=503, code="gone"), AttemptSignals(status=503, code="gone"), True),
    ],
)
def test_a_rule_fits_when_every_condition_does(own_rule: Rule, signals: AttemptSignals, fits: bool) -> None:
    assert (kind(own_rule, signals) is FailureKind.AUTH) is fits


@pytest.mark.parametrize(
    ("signals", "status"),
    [
        (AttemptSignals(status=200, failure="error_body", code="429"), 429),
        (AttemptSignals(status=200, failure="error_event", code="503"), 503),
        (AttemptSignals(status=200, failure="error_event", code="insufficient_quota"), 200),
        (AttemptSignals(status=200, failure="error_event", code="-1"), 200),
        (AttemptSignals(status=200, failure="error_event", code="²"), 200),
        (AttemptSignals(status=200, failure="error_event", code="1000"), 200),
        (AttemptSignals(status=200, code="429"), 200),
        (AttemptSignals(status=500, code="429"), 500),
        (AttemptSignals(failure="error_event", code="429"), 429),
        (AttemptSignals(failure="connect"), None),
    ],
)
def test_an_error_inside_a_200_may_name_a_status(signals: AttemptSignals, status: int | None) -> None:
    assert signals.named_status == status


def test_a_rule_for_a_status_also_fits_where_an_error_names_it() -> None:
    named = AttemptSignals(status=200, failure="error_event", code="503")
    assert kind(rule("overloaded", status=503), named) is FailureKind.OVERLOADED
    assert kind(rule("overloaded", status=200), named) is FailureKind.OVERLOADED


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        (AttemptSignals(status=200, finish_reason="stop"), FailureKind.OK),
        (AttemptSignals(status=204), FailureKind.OK),
        (AttemptSignals(status=200, message="hello"), FailureKind.OK),
        (AttemptSignals(status=500), FailureKind.SERVER_ERROR),
        (AttemptSignals(status=200, failure="invented_tomorrow"), FailureKind.SERVER_ERROR),
        (AttemptSignals(failure="invented_tomorrow"), FailureKind.SERVER_ERROR),
        (AttemptSignals(status=101), FailureKind.SERVER_ERROR),
        (AttemptSignals(), FailureKind.SERVER_ERROR),
    ],
)
def test_what_no_rule_knows_is_an_answer_only_if_nothing_is_wrong(
    signals: AttemptSignals, expected: FailureKind
) -> None:
    assert Classifier([]).classify(signals) is expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "expected at least one of status, code, type, message, header, failure and finish_reason"),
        ({"status": 99}, "expected a status such as 503 or 5xx, got '99'"),
        ({"status": "6xx"}, "expected a status such as 503 or 5xx, got '6xx'"),
        ({"status": "oops"}, "expected a status such as 503 or 5xx, got 'oops'"),
        ({"message": "("}, "expected a regular expression, got '(': missing ), unterminated subpattern at position 0"),
        ({"header": "x-*", "kind": "bad"}, "expected one of ok, rate_limited, quota_exhausted, overloaded, "),
    ],
)
def test_a_rule_that_makes_no_sense_is_told_in_one_line(words: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=r"^expected") as caught:
        rule(**({"kind": "auth"} | words))  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
