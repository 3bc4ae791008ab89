import msgspec

from relayload.core.audit.questions import questions_sha256
from relayload.core.audit.reference import ReferenceAnswers, open_answers
from relayload.core.model.audited import Audited


def _answer(index: int, question: str | None, text: str | None) -> Audited:
    return Audited(
        index=index,
        worker=0,
        scenario="audit_open",
        stage="hold",
        model="m",
        measured=True,
        intended_at_s=float(index),
        request="r",
        question=question,
        text=text,
    )


def test_the_beginnings_of_open_answers_are_kept_in_the_order_of_their_requests() -> None:
    answers = [_answer(3, "open:1", "b"), _answer(1, "open:1", "a" * 300), _answer(2, "sums:1", "7")]
    assert open_answers([*answers, _answer(4, "open:2", None), _answer(5, None, "x")]) == {"open:1": ["a" * 100, "b"]}


def test_a_recording_survives_json_and_knows_which_questions_it_answers() -> None:
    recorded = ReferenceAnswers(
        made_at="2026-03-01T12:00:00+00:00",
        base_url="https://relay.example/v1",
        model="m",
        temperature=1.0,
        questions_sha256=questions_sha256(),
        relayload="0.1.0",
        answers={"open:1": ["a"]},
    )
    assert msgspec.json.decode(msgspec.json.encode(recorded), type=ReferenceAnswers) == recorded
    assert recorded.fits
    assert not msgspec.structs.replace(recorded, questions_sha256="other").fits
