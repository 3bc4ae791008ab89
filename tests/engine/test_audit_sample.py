"""The answers that a process keeps, and their lines."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

import relayload.engine.audit_sample
from relayload.client.caller import Called
from relayload.core.audit.encodings import O200K
from relayload.core.model.audited import Audited
from relayload.core.model.record import Attempt, Outcome
from relayload.core.traffic.arrivals import Arrival
from relayload.core.wire.kept import Kept
from relayload.engine.audit_counting import AuditCounting, all_secrets
from relayload.engine.audit_sample import AuditSample, HeldAnswer
from relayload.profile import Profile, load
from relayload.profile.compose import Composer
from relayload.profile.job import Job
from relayload.profile.tokenizer import count_tokens
from relayload.transport import Answer

PROFILE = """
name: sampled
seed: 4
targets:
  relay: {{base_url: fake://direct, api_key: sk-not-to-be-told, headers: {{x-team: a-secret-team}}}}
  vendor: {{base_url: fake://direct}}
compare: interleaved
load: {{kind: open, stages: [{{for: 1s, rate: 1/s}}]}}
scenarios:
  chat: {{model: gpt-4o, prompt: simple, input_tokens: 60, max_output_tokens: 20}}
  foreign: {{model: claude, prompt: simple, input_tokens: 60}}
  vectors: {{model: small, endpoint: embeddings, prompt: simple}}
  sums: {{model: gpt-4o, questions: sums}}
audit: {{answers: {answers}, keep_texts: {keep_texts}}}
"""


def _profile(tmp_path: Path, answers: int = 3, keep_texts: str = "false") -> Profile:
    path = tmp_path / "p.yaml"
    path.write_text(PROFILE.format(answers=answers, keep_texts=keep_texts))
    return load(path, environ={})


def _job(profile: Profile, index: int, scenario: int = 0, target: int = 0) -> Job:
    return Composer(profile).job(Arrival(index, 1.0, 0, scenario, target=target))


_HEADERS = {"date": "now", "x-ratelimit-limit-requests": "20", "x-ratelimit-remaining-requests": "5"}


def _called(text: str = "hi", outcome: Outcome = Outcome.OK, tries: int = 1, **kept: Any) -> Called:
    attempt = Attempt(outcome, input_tokens=60, output_tokens=1, finish_reason="stop")
    answer = Answer(attempt, headers=_HEADERS, kept=Kept(text=text, model="gpt-4o-x", total_tokens=61, **kept))
    return Called(outcome=outcome, attempts=(attempt,) * tries, answer=answer)


def _place(held: HeldAnswer) -> Audited:
    job = held.job
    return Audited(
        index=job.arrival.index,
        worker=0,
        scenario="s",
        stage="steady",
        model=job.model,
        measured=True,
        intended_at_s=1.0,
        request="",
    )


def _line(profile: Profile, job: Job, called: Called, *, hurried: bool = False, most_bytes: int = 1 << 20) -> Audited:
    sample = AuditSample(profile)
    assert sample.wants(job, 0)
    sample.take(job, called)
    counting = AuditCounting(all_secrets(profile), keep_texts=profile.audit.keep_texts, most_bytes=most_bytes)
    (line,) = counting.lines(sample.held(), _place, lambda: hurried)
    return line


def test_every_target_keeps_the_answers_of_the_same_arrivals(tmp_path):
    profile = _profile(tmp_path)
    sample = AuditSample(profile)
    for index in range(50):
        for target in (0, 1):
            job = _job(profile, index, target=target)
            if sample.wants(job, 0):
                sample.take(job, _called())
    kept = {
        name: [held.job.arrival.index for held in sample.held() if held.job.target == name]
        for name in ("relay", "vendor")
    }
    assert kept["relay"] == kept["vendor"]
    assert len(kept["relay"]) == 3


def test_only_ok_answers_of_first_turns_with_a_text_are_kept(tmp_path):
    profile = _profile(tmp_path)
    sample = AuditSample(profile)
    assert not sample.wants(_job(profile, 0), 1)
    assert not sample.wants(_job(profile, 0, scenario=2), 0)
    for index, called in enumerate((None, _called(outcome=Outcome.REJECTED), _called())):
        job = _job(profile, index)
        assert sample.wants(job, 0)
        sample.take(job, called)
    assert [held.job.arrival.index for held in sample.held()] == [2]


def test_none_are_kept_of_the_traffic_if_none_are_wanted_but_all_of_the_questions(tmp_path):
    profile = _profile(tmp_path, answers=0)
    sample = AuditSample(profile)
    assert not sample.wants(_job(profile, 0), 0)
    for index in range(9):
        job = _job(profile, index, scenario=3)
        assert sample.wants(job, 0)
        sample.take(job, _called())
    assert len(sample.held()) == 9


def test_questions_are_counted_first(tmp_path):
    profile = _profile(tmp_path)
    sample = AuditSample(profile)
    for index, scenario in ((0, 0), (1, 1), (2, 3), (3, 0)):
        job = _job(profile, index, scenario)
        assert sample.wants(job, 0)
        sample.take(job, _called())
    models = [(held.job.question is not None, held.job.model) for held in sample.held()]
    assert models == [(True, "gpt-4o"), (False, "claude"), (False, "gpt-4o"), (False, "gpt-4o")]


def test_the_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(relayload.engine.audit_sample, "MOST_KEPT_BYTES", 10_000)
    profile = _profile(tmp_path, answers=500)
    sample = AuditSample(profile)
    for index in range(40):
        job = _job(profile, index)
        if sample.wants(job, 0):
            sample.take(job, _called("x" * 1000))
    held = sample.held()
    assert 3 <= len(held) <= 6
    sample.clear()
    assert sample.held() == []


def test_an_answer_is_counted_beside_what_was_reported(tmp_path):
    profile = _profile(tmp_path)
    line = _line(profile, _job(profile, 7), _called("one two", thoughts="hm", calls=('{"a":1}',)))
    assert (line.encoding, line.counted_input, line.repeated_input) == (O200K, 60, 0)
    assert line.counted_output == count_tokens("one two") + count_tokens('{"a":1}')
    assert line.counted_reasoning == 1
    assert (line.input_tokens, line.output_tokens, line.total_tokens) == (60, 1, 61)
    assert (line.max_output_tokens, line.finish_reason, line.answered_model) == (20, "stop", "gpt-4o-x")
    assert line.quota_left == 0.25
    assert (line.question, line.text, line.streamed, len(line.request)) == (None, None, True, 16)
    assert msgspec.json.decode(msgspec.json.encode(line), type=Audited) == line


def test_a_prompt_that_was_sent_before_is_repeated(tmp_path):
    profile = _profile(tmp_path)
    assert _line(profile, _job(profile, 7), _called(tries=2)).repeated_input == 60
    asked = _line(profile, _job(profile, 7, scenario=3), _called())
    assert asked.repeated_input == asked.counted_input


def test_what_is_reported_is_recorded_even_where_nothing_is_counted(tmp_path):
    profile = _profile(tmp_path)
    foreign = _line(profile, _job(profile, 7, scenario=1), _called())
    assert (foreign.encoding, foreign.counted_input, foreign.counted_output, foreign.repeated_input) == (
        None,
        None,
        None,
        0,
    )
    assert foreign.input_tokens == 60
    for limits in ({"hurried": True}, {"most_bytes": 10}):
        line = _line(profile, _job(profile, 7), _called(), **limits)
        assert (line.encoding, line.counted_input, line.input_tokens) == (O200K, None, 60)


def test_an_answer_to_a_question_is_checked_and_begins_in_the_record(tmp_path):
    profile = _profile(tmp_path)
    wrong = _line(profile, _job(profile, 2, scenario=3), _called("x" * 300))
    assert (wrong.question, wrong.passed, len(wrong.text or "")) == ("sums:2", False, 100)


@pytest.mark.parametrize("secret", ["sk-not-to-be-told", "a-secret-team", "sk-another-one-of-the-relay"])
def test_no_secret_is_in_a_text(tmp_path, secret):
    profile = _profile(tmp_path, keep_texts="true")
    line = _line(profile, _job(profile, 7), _called(f"Your key is {secret}, and " + "so on " * 50))
    assert line.text is not None
    assert secret not in line.text
    assert "***" in line.text
    assert len(line.text) > 200
    assert line.counted_output is not None
