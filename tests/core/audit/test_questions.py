from collections.abc import Callable

import pytest

from relayload.core.audit.questions import (
    FEATURES,
    KINDS,
    Answered,
    Question,
    kind_of,
    questions,
    questions_sha256,
)


def _first(kind: str, seed: int = 1) -> Question:
    return questions(kind, seed)[0]


def _verdict(question: Question, **seen: object) -> bool | None:
    assert question.passes is not None
    return question.passes(Answered(**seen))  # type: ignore[arg-type]


def _sum() -> tuple[Question, int, int]:
    """A question for a sum, with what is to be added."""
    for question in questions("sums", 1):
        words = question.messages[0]["content"].replace(".", " ").replace("?", " ").split()
        if "+" in words:
            at = words.index("+")
            return question, int(words[at - 1]), int(words[at + 1])
    raise AssertionError("no sum")


def test_every_question_has_an_id_of_its_kind_and_a_budget() -> None:
    for kind in KINDS:
        found = questions(kind, 3)
        assert len({each.id for each in found}) == len(found)
        assert all(each.max_output_tokens >= 16 and each.messages[-1]["role"] == "user" for each in found)
        if kind not in ("checked", "features"):
            assert {kind_of(each.id) for each in found} == {kind}


def test_there_are_fifty_open_questions_that_no_seed_changes() -> None:
    assert len({each.messages[0]["content"] for each in questions("open", 1)}) == 50
    assert questions("open", 1) == questions("open", 2)
    assert all(each.temperature == 1.0 and each.passes is None for each in questions("open", 1))
    assert questions_sha256() == questions_sha256()


@pytest.mark.parametrize("kind", ["sums", "json", "needle", "context"])
def test_other_questions_follow_from_the_seed(kind: str) -> None:
    assert [each.messages for each in questions(kind, 5)] == [each.messages for each in questions(kind, 5)]
    assert _first(kind, 5).messages != _first(kind, 6).messages


WORDINGS: tuple[tuple[Callable[[int, int, int], str], bool], ...] = (
    (lambda a, b, c: f"{c}", True),
    (lambda a, b, c: f"**{c}**.", True),
    (lambda a, b, c: f"{a} + {b} = {c}", True),
    (lambda a, b, c: f"{a}+{b}={c}", True),
    (lambda a, b, c: f"The answer is {c}, which is the sum of {a} and {b}.", True),
    (lambda a, b, c: f"First 700, then {b}, so {c}.00", True),
    (lambda a, b, c: f"{c + 1}", False),
    (lambda a, b, c: f"{c}.5", False),
    (lambda a, b, c: f"-{c}", False),
    (lambda a, b, c: f"{c} or {c + 10}", False),
    (lambda a, b, c: "I can't tell.", False),
    (lambda a, b, c: "", False),
)


@pytest.mark.parametrize(("wording", "right"), WORDINGS)
def test_a_sum_is_right_in_any_wording(wording: Callable[[int, int, int], str], right: bool) -> None:
    question, one, other = _sum()
    assert _verdict(question, text=wording(one, other, one + other), finish_reason="stop") is right


def test_thousands_may_be_separated() -> None:
    for question in questions("sums", 1):
        answers = [_verdict(question, text=f"{value:,}") for value in range(1000, 1100)]
        assert answers == [_verdict(question, text=str(value)) for value in range(1000, 1100)]


@pytest.mark.parametrize("kind", ["sums", "json", "needle"])
def test_an_answer_that_was_all_reasoning_tells_nothing(kind: str) -> None:
    assert _verdict(_first(kind), text="", finish_reason="length") is None


def test_json_must_fit_and_be_true() -> None:
    question = _first("json")
    told = question.messages[0]["content"].split("hobbies: ")[1]
    name, age, city = told.split(",")[0], told.split("who is ")[1].split()[0], told.split("lives in ")[1].split(",")[0]
    right = f'{{"name": "{name}", "age": {age}, "city": "{city}", "hobbies": ["a", "b"]}}'
    assert _verdict(question, text=right) is True
    assert _verdict(question, text=f"```json\n{right}\n```") is False
    assert _verdict(question, text=right.replace(f" {age},", f' "{age}",')) is False
    assert _verdict(question, text=right.replace(city, "Atlantis")) is False


def test_the_needle_is_at_the_start_of_a_prompt_of_about_the_length_asked_for() -> None:
    question = questions("needle", 1, context_tokens=500)[0]
    code = question.messages[0]["content"].split(" is ")[1].split(".")[0]
    assert sum(code in each["content"] for each in question.messages) == 1
    assert _verdict(question, text=f"It is {code[:3]},{code[3:]}.") is True
    assert _verdict(question, text="I don't know.") is False
    words = [sum(len(each["content"].split()) for each in questions("needle", 1, n)[0].messages) for n in (500, 4000)]
    assert 300 < words[0] < 500
    assert 2400 < words[1] < 4000


@pytest.mark.parametrize(
    ("seen", "honoured"),
    [
        ({"text": "1 2 3 4 5 6 7 8", "finish_reason": "length", "output_tokens": 16}, True),
        ({"text": " ".join(map(str, range(1, 60))), "finish_reason": "length", "output_tokens": 16}, False),
        ({"text": "1 2 3", "finish_reason": "length", "output_tokens": 90}, False),
        ({"text": "I'd rather not.", "finish_reason": "stop"}, None),
    ],
)
def test_a_budget_is_honoured(seen: dict[str, object], honoured: bool | None) -> None:
    assert _verdict(_first("max_tokens"), **seen) is honoured


@pytest.mark.parametrize(
    ("text", "honoured"),
    [("alpha bravo charlie ", True), ("alpha bravo charlie delta echo foxtrot", False), ("Sorry.", None)],
)
def test_a_stop_sequence_is_honoured(text: str, honoured: bool | None) -> None:
    assert _verdict(_first("stop"), text=text) is honoured


def test_logprobs_and_calls_are_there_or_not() -> None:
    assert _verdict(_first("logprobs"), has_logprobs=True) is True
    assert _verdict(_first("logprobs"), text="Blue") is False
    assert _verdict(_first("tools"), calls=1) is True
    assert _verdict(_first("tools"), text="It rains.") is False


def test_features_ask_for_their_fields() -> None:
    fields = {kind: set(_first(kind).fields) for kind in FEATURES}
    assert fields["stop"] == {"stop"}
    assert fields["seed"] == {"seed"}
    assert fields["logprobs"] == {"logprobs", "top_logprobs"}
    assert fields["tools"] == {"tools", "tool_choice"}
