import pytest

from relayload.core.resilience.classify import Classifier, Kind, Rule, Signs, rule


def kind(own_rule: Rule, signs: Signs) -> Kind:
    return Classifier([own_rule]).classify(signs)


def test_the_first_rule_that_fits_decides() -> None:
    classifier = Classifier([rule("overloaded", status=500), rule("auth", status="5xx")])
    assert classifier.classify(Signs(status=500)) is Kind.OVERLOADED
    assert classifier.classify(Signs(status=501)) is Kind.AUTH


@pytest.mark.parametrize(
    ("own_rule", "signs", "fits"),
    [
        (rule("auth", status=503), Signs(status=503), True),
        (rule("auth", status="503"), Signs(status=503), True),
        (rule("auth", status=503), Signs(status=502), False),
        (rule("auth", status=503), Signs(failure="connect"), False),
        (rule("auth", status="5xx"), Signs(status=599), True),
        (rule("auth", status="5XX"), Signs(status=499), False),
        (rule("auth", status=[418, "5xx"]), Signs(status=418), True),
        (rule("auth", code="Gone"), Signs(status=500, code="gone"), True),
        (rule("auth", code="gone"), Signs(status=500, code="GONE"), True),
        (rule("auth", code=-1), Signs(status=200, failure="no_choices", code="-1"), True),
        (rule("auth", code=("a", "b")), Signs(status=500, code="b"), True),
        (rule("auth", code="gone"), Signs(status=500, type="gone"), False),
        (rule("auth", type="gone"), Signs(status=500, type="gone"), True),
        (rule("auth", message="no .* left"), Signs(status=500, message="Sorry, No Channel left."), True),
        (rule("auth", message="^no"), Signs(status=500, message="Sorry, no channel left."), False),
        (rule("auth", header="X-Refused"), Signs(status=500, headers={"x-refused": ""}), True),
        (rule("auth", header="x-refused"), Signs(status=500, headers={"x-refused-by": "us"}), False),
        (rule("auth", header="X-Refused*"), Signs(status=500, headers={"x-refused-by": "us"}), True),
        (rule("auth", header="x-refused-*"), Signs(status=500, headers={"x-refused": "us"}), False),
        (rule("auth", failure="reset"), Signs(failure="reset"), True),
        (rule("auth", failure="reset"), Signs(failure="truncated"), False),
        (rule("auth", finish_reason="refusal"), Signs(status=200, finish_reason="refusal"), True),
        (rule("auth", finish_reason="refusal"), Signs(status=200, finish_reason="stop"), False),
        (rule("auth", header="x-cache"), Signs(status=200, headers={"x-cache": "hit"}), True),
        (rule("auth", status=200, header="x-cache"), Signs(status=200, headers={"x-cache": "hit"}), True),
        (rule("auth", status=503, code="gone"), Signs(status=503), False),
        (rule("auth", status=503, code="gone"), Signs(status=503, code="gone"), True),
    ],
)
def test_a_rule_fits_when_every_condition_does(own_rule: Rule, signs: Signs, fits: bool) -> None:
    assert (kind(own_rule, signs) is Kind.AUTH) is fits


@pytest.mark.parametrize(
    ("signs", "status"),
    [
        (Signs(status=200, failure="error_body", code="429"), 429),
        (Signs(status=200, failure="error_event", code="503"), 503),
        (Signs(status=200, failure="error_event", code="insufficient_quota"), 200),
        (Signs(status=200, failure="error_event", code="-1"), 200),
        (Signs(status=200, failure="error_event", code="²"), 200),
        (Signs(status=200, failure="error_event", code="1000"), 200),
        (Signs(status=200, code="429"), 200),
        (Signs(status=500, code="429"), 500),
        (Signs(failure="error_event", code="429"), 429),
        (Signs(failure="connect"), None),
    ],
)
def test_an_error_inside_a_200_may_name_a_status(signs: Signs, status: int | None) -> None:
    assert signs.named_status == status


def test_a_rule_for_a_status_also_fits_where_an_error_names_it() -> None:
    named = Signs(status=200, failure="error_event", code="503")
    assert kind(rule("overloaded", status=503), named) is Kind.OVERLOADED
    assert kind(rule("overloaded", status=200), named) is Kind.OVERLOADED


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (Signs(status=200, finish_reason="stop"), Kind.OK),
        (Signs(status=204), Kind.OK),
        (Signs(status=200, message="hello"), Kind.OK),
        (Signs(status=500), Kind.SERVER_ERROR),
        (Signs(status=200, failure="invented_tomorrow"), Kind.SERVER_ERROR),
        (Signs(failure="invented_tomorrow"), Kind.SERVER_ERROR),
        (Signs(status=101), Kind.SERVER_ERROR),
        (Signs(), Kind.SERVER_ERROR),
    ],
)
def test_what_no_rule_knows_is_an_answer_only_if_nothing_is_wrong(signs: Signs, expected: Kind) -> None:
    assert Classifier([]).classify(signs) is expected


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
