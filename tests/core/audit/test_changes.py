from typing import Any

import pytest
from audit_simulation import Writer, answers_of
from audited_answers import answer, answers
from msgspec.structs import replace

from relayload.core.audit.changes import changes
from relayload.core.audit.counted import InputCounts
from relayload.core.audit.findings import Change
from relayload.core.model.audited import Audited

CONDITIONS = {"low": "low rate", "burst": "burst", "end": "quota nearly used"}


def _changes(told: list[Audited]) -> dict[str, Change]:
    return {each.quantity: each for each in changes(told, CONDITIONS, lambda _: InputCounts(), seed=1)}


def _asked(stage: str, n: int, **fields: Any) -> list[Audited]:
    return [answer(index, stage=stage, question=f"open:{index % 10}", **fields) for index in range(n)]


def test_an_inflation_under_load_is_a_change_of_the_factor() -> None:
    low, burst = answers(stage="low"), [replace(each, stage="burst") for each in answers()]
    more = [replace(each, input_tokens=(each.input_tokens or 0) * 51 // 50 + 1) for each in burst]
    assert not any(each.changed for each in _changes([*low, *burst]).values())
    found = _changes([*low, *more])
    assert found["input_factor"].changed
    assert not found["output_factor"].changed
    assert (found["input_factor"].answers, found["input_factor"].before) == ((40, 40), 1.0)
    assert found["input_factor"].under == pytest.approx(1.02, abs=0.002)
    assert (found["input_factor"].condition, found["input_factor"].target) == ("burst", None)


def test_other_lengths_under_load_change_no_factor() -> None:
    """Whether reports are inflated, or have an offset, at all times."""
    low = [answer(index, 100 + index, input_tokens=round(1.1 * (100 + index)) + 30, stage="low") for index in range(60)]
    burst = [
        answer(index, 10 * (100 + index), input_tokens=round(11 * (100 + index)) + 30, stage="burst")
        for index in range(60)
    ]
    assert not _changes([*low, *burst])["input_factor"].changed


def test_open_answers_that_differ_under_load_are_a_change() -> None:
    def asked(stage: str, writer: Writer) -> list[Audited]:
        texts = answers_of(writer, stage, 20, 6)
        return [answer(stage=stage, question=prompt, text=text) for prompt in texts for text in texts[prompt]]

    assert not _changes([*asked("low", Writer()), *asked("burst", Writer())])["answers"].changed
    assert _changes([*asked("low", Writer()), *asked("burst", Writer(0.45))])["answers"].changed


@pytest.mark.parametrize(
    ("quantity", "under"),
    [
        ("answer_length", {"written": 12}),
        ("truncated", {"written": 12, "finish_reason": "length", "max_output_tokens": 40}),
        ("refused", {"finish_reason": "content_filter"}),
    ],
)
def test_shorter_cut_and_refused_answers_are_changes(quantity: str, under: dict[str, Any]) -> None:
    assert not _changes([*_asked("low", 40), *_asked("burst", 40)])[quantity].changed
    found = _changes([*_asked("low", 40), *_asked("burst", 40, **under)])
    assert found[quantity].changed


def test_wrong_answers_under_load_are_a_change() -> None:
    def asked(stage: str, right: int) -> list[Audited]:
        return [answer(stage=stage, question=f"sums:{n}", passed=n < right) for n in range(30)]

    found = _changes([*asked("low", 30), *asked("burst", 12)])["checked"]
    assert (found.before, found.under, found.changed) == (1.0, 0.4, True)
    assert not _changes([*asked("low", 30), *asked("burst", 29)])["checked"].changed


def test_what_is_asked_of_few_or_at_other_stages_is_left_out() -> None:
    assert _changes([*_asked("low", 7), *_asked("burst", 40)]) == {}
    assert _changes([*_asked("low", 40), *_asked("hold", 40)]) == {}
    assert _changes([*_asked("burst", 40), *_asked("end", 40)]) == {}


def test_what_changes_when_a_quota_is_nearly_used_is_found_at_one_rate() -> None:
    def told(little: float, **fields: Any) -> dict[str, Change]:
        enough = [each for left in (1.0, 0.5, 0.11) for each in _asked("hold", 20, quota_left=left)]
        return _changes([*enough, *_asked("hold", 40, quota_left=little, **fields), *_asked("hold", 40, written=3)])

    found = told(0.1, written=12)["answer_length"]
    assert (found.condition, found.answers, found.changed) == ("quota nearly used", (60, 40), True)
    assert not any(each.changed for each in told(0.0).values())
    assert told(0.2, written=12) == {}
    warm = [replace(each, measured=False) for each in _asked("hold", 40, quota_left=0.0, written=12)]
    assert _changes([*_asked("hold", 40, quota_left=1.0), *warm]) == {}


def test_the_token_that_ends_an_answer_is_no_change_where_more_are_cut() -> None:
    """Reports of answers that ended have one token more than those of answers that were cut."""
    ended = [answer(index, written=30, output_tokens=31, stage="low", finish_reason="stop") for index in range(40)]
    cut = [
        answer(
            index,
            written=30,
            output_tokens=30 + (index < 7),
            stage="burst",
            finish_reason="stop" if index < 7 else "length",
        )
        for index in range(40)
    ]
    assert "output_factor" not in _changes([*ended, *cut])


def test_p_values_are_corrected_for_all_looks() -> None:
    low, burst = _asked("low", 40), _asked("burst", 40, written=12)
    end = _asked("end", 40)
    one, both = (
        changes(told, CONDITIONS, lambda _: InputCounts(), 1) for told in ([*low, *burst], [*low, *burst, *end])
    )
    assert len(both) == 2 * len(one)
    assert {each.condition for each in both} == {"burst", "quota nearly used"}
    (alone,), (among,) = ([each for each in found if each.changed] for found in (one, both))
    assert alone.p <= among.p
