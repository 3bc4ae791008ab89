from decimal import Decimal

import msgspec
from audit_simulation import Writer, answers_of, recorded
from audited_answers import answer, answers
from msgspec.structs import replace

from relayload.core.audit.findings import Audit
from relayload.core.audit.judge import Terms, judge
from relayload.core.model.audited import Audited
from relayload.core.price import Price


def _open(target: str | None, writer: Writer, model: str = "m", prompts: int = 12, each: int = 6) -> list[Audited]:
    texts = answers_of(writer, f"{target} {model}", prompts, each)
    return [
        answer(number, target=target, model=model, question=prompt, text=text)
        for prompt in texts
        for number, text in enumerate(texts[prompt])
    ]


def test_nothing_was_audited() -> None:
    assert judge([], Terms()) == Audit()


def test_usage_and_names_are_told_by_target_and_model() -> None:
    told = [
        *answers(target="relay", answered_model="m-2026", fingerprint="fp_1"),
        *answers(5, target="relay", model="n"),
        *answers(target="vendor"),
    ]
    terms = Terms(
        prices={("relay", "m"): Price(input=Decimal(1), output=Decimal(1))}, requests_per_month={("relay", "m"): 10}
    )
    found = judge(told, terms)
    assert [(each.target, each.model, each.answers) for each in found.usage] == [
        ("relay", "m", 40),
        ("relay", "n", 5),
        ("vendor", "m", 40),
    ]
    assert [each.usd_per_month is None for each in found.usage] == [False, True, True]
    assert (found.named[0].answered_models, found.named[0].fingerprints) == ({"m-2026": 40}, {"fp_1": 40})
    assert found.answers == 85
    assert msgspec.json.decode(msgspec.json.encode(found), type=Audit) == found


def test_targets_are_compared_with_the_reference_by_model() -> None:
    told = [
        *_open("vendor", Writer()),
        *_open("relay", Writer(0.6)),
        *_open("vendor", Writer(), "n"),
        *_open("relay", Writer(), "n"),
        *_open("relay", Writer(), "unknown to the vendor"),
    ]
    found = judge(told, Terms(reference="vendor", sensitivities=False))
    assert [(each.model, each.differs) for each in found.controls] == [("m", False), ("n", False)]
    assert [(each.target, each.model, each.differs) for each in found.differences] == [
        ("relay", "m", True),
        ("relay", "n", False),
    ]
    assert found.doubts == ()
    assert judge(told, Terms()).differences == ()


def test_a_recording_stands_in_for_a_reference_and_must_be_of_these_questions() -> None:
    told = _open(None, Writer(), "vendor/m")
    terms = Terms(recorded=recorded(Writer(0.6), "earlier", 12, 6), sensitivities=False)
    (found,) = judge(told, terms).differences
    assert (found.target, found.reference, found.model, found.differs) == ("", "recorded", "vendor/m", True)
    assert terms.recorded is not None
    other = Terms(recorded=replace(terms.recorded, questions_sha256="0"))
    found_nothing = judge(told, other)
    assert found_nothing.differences == ()
    assert "other questions" in found_nothing.doubts[0]


def test_an_unknown_encoding_is_held_against_the_reference() -> None:
    told = [replace(each, counted_input=None, encoding=None) for each in answers(target="relay")]
    vendor = [replace(each, target="vendor") for each in told]
    relay, reference = judge([*told, *vendor], Terms(reference="vendor")).usage
    assert (relay.reference, relay.input is not None) == ("vendor", True)
    assert (reference.reference, reference.input) == (None, None)


def test_doubts_are_told() -> None:
    few = [*_open("vendor", Writer(), prompts=3, each=2), *_open("relay", Writer(), prompts=3, each=2)]
    doubts = judge(few, Terms(reference="vendor", sensitivities=False)).doubts
    assert doubts == (
        "the reference gave too few answers by m to be compared with itself",
        "few answers of relay by m were compared: 6 and 6 to 3 prompts",
    )
    assert judge(answers(), Terms(reference="vendor")).doubts == ("no answer of the reference vendor was audited",)
    low = [answer(index, stage="low", target="vendor", question=f"open:{index % 10}") for index in range(40)]
    burst = [replace(each, stage="burst", counted_output=10) for each in low]
    conditions = {"low": "low rate", "burst": "burst"}
    assert judge([*low, *burst], Terms(reference="vendor", conditions=conditions)).doubts == (
        "answer_length of m changes at the reference, too: burst",
    )
