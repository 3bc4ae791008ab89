import pytest
from audited_answers import answer

from relayload.core.audit.checked import checked, features


def test_shares_of_right_answers_have_an_interval() -> None:
    told = [answer(index, question=f"sums:{index % 20}", passed=index != 3) for index in range(40)]
    told += [answer(50, question="json:1", passed=True), answer(51, question="needle:1", passed=None), answer(52)]
    sums, extractions = checked(told)
    assert (sums.kind, sums.asked, sums.passed) == ("sums", 40, 39)
    assert (sums.low, sums.high) == (pytest.approx(0.868, abs=1e-3), pytest.approx(0.9994, abs=1e-4))
    assert (extractions.kind, extractions.asked, extractions.high) == ("json", 1, 1.0)


def test_a_field_is_honoured_or_the_answer_tells_otherwise() -> None:
    told = [
        answer(1, question="stop:0", passed=True),
        answer(2, question="stop:0", passed=False, text="alpha\nbravo charlie delta"),
        answer(3, question="logprobs:0", passed=True),
        answer(4, question="tools:0", passed=None, text=""),
        answer(5, question="max_tokens:0", passed=False, text="1 " * 200, output_tokens=200),
    ]
    found = {each.name: (each.honoured, each.seen) for each in features(told)}
    assert found == {
        "max_tokens": (False, f"it answered {'1 ' * 30 + '…'!r} (200 tokens)"),
        "stop": (False, "1 of 2: it answered 'alpha bravo charlie delta' (20 tokens)"),
        "logprobs": (True, ""),
        "tools": (None, "it answered nothing (20 tokens)"),
    }


def test_the_same_seed_gives_the_same_text() -> None:
    def seeded(*texts: str) -> tuple[bool | None, str]:
        told = [answer(index, question="seed:0", text=text) for index, text in enumerate(texts)]
        (found,) = features(told)
        return found.honoured, found.seen

    assert seeded("a", "a", "a") == (True, "")
    assert seeded("a", "b", "a") == (False, "2 different texts with the same seed")
    assert seeded("a") == (None, "it was not asked twice")
