import json

import pytest

from relayload.fakerelay.known_answers import known_answer, wrong_answer

LOCKER = "What is the number of my locker, which I told you before the notes? Answer with the number alone."
FACTS = "Give the facts of this sentence as JSON with name, age, city and hobbies: Ivo, who is 30 years old and lives in Oslo, likes chess and sailing."  # noqa: E501


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        (["What is 211 + 23? Answer with the number alone."], "234"),
        (["Work out 211 - 230. Answer with the number alone."], "-19"),
        (["Please calculate 12 * 9. Answer with the number alone."], "108"),
        (["The number of my locker is 123456. Here are my notes.", "I see.", f"More. {LOCKER}"], "123456"),
        (["Here are my notes.", LOCKER], "I do not know."),
        (["Count from 3 to 6 in digits."], "3 4 5 6"),
        (["Repeat these words exactly as they are, and say nothing else: alpha bravo"], "alpha bravo"),
        (["What is the capital of France?"], None),
        (["12 + 5 is a sum."], None),
        ([], None),
    ],
)
def test_simple_questions_have_a_right_answer(texts, answer):
    assert known_answer(texts) == answer


def test_facts_are_given_as_json():
    assert json.loads(known_answer([FACTS]) or "") == {
        "name": "Ivo", "age": 30, "city": "Oslo", "hobbies": ["chess", "sailing"],
    }  # fmt: skip


@pytest.mark.parametrize(("right", "wrong"), [("234", "235"), ("1 2 3", "1 2 4"), ("a b", "I can't help with that.")])
def test_a_wrong_answer_is_another_one(right, wrong):
    assert wrong_answer(right) == wrong


def test_wrong_facts_still_fit_their_schema():
    assert json.loads(wrong_answer(known_answer([FACTS]) or ""))["age"] == 31
