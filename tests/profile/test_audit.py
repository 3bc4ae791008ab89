"""The `audit:` of a profile, its scenarios, and what is wrong with others."""

from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
from support import present

from relayload.core.audit.questions import KINDS
from relayload.core.errors import AuthorError
from relayload.core.wire.request import Endpoint
from relayload.profile.audit import Kind
from relayload.profile.compose import Composer
from relayload.profile.forecast import forecast
from relayload.profile.loading import load
from relayload.profile.model import Profile
from relayload.profile.plan import arrivals, asked_by
from relayload.profile.tokenizer import count_tokens

_PROFILE = """
name: audited
load: {kind: open, arrivals: constant, stages: [{for: 100s, rate: 20/s}]}
scenarios:
  simple: {model: {o3: 1, gpt-4o: 3}, prompt: simple, max_output_tokens: 20}
  plain: {model: claude, endpoint: messages, prompt: code, max_output_tokens: 20, stream: false}
"""


def _loaded(tmp_path: Path, more: str = "", text: str = _PROFILE) -> Profile:
    file = tmp_path / "p.yaml"
    file.write_text(text + more)
    return load(file)


def test_nothing_said_counts_500_answers_and_asks_nothing(tmp_path):
    profile = _loaded(tmp_path)
    audit = profile.audit
    assert (audit.answers, audit.keep_texts, audit.share, audit.questions) == (500, False, 0.0, ("open", "checked"))
    assert list(profile.scenarios) == ["simple", "plain"]


def test_the_kinds_of_questions_are_those_of_the_catalog():
    assert set(get_args(Kind)) == set(KINDS)


def test_a_share_of_the_arrivals_asks_every_model_as_often_in_its_own_way(tmp_path):
    profile = _loaded(tmp_path, "audit: {share: 10%}\n")
    added = {name: each for name, each in profile.scenarios.items() if name.startswith("audit_")}
    assert list(added) == ["audit_open", "audit_open_2", "audit_checked", "audit_checked_2"]
    total = sum(each.weight for each in profile.scenarios.values())
    assert sum(each.weight for each in added.values()) == pytest.approx(total / 10)
    assert added["audit_open"].weight == pytest.approx(2 * added["audit_open_2"].weight)
    assert added["audit_open"].models == {"o3": 1.0, "gpt-4o": 1.0}
    assert (added["audit_open_2"].endpoint, added["audit_open_2"].stream) == (Endpoint.MESSAGES, False)
    names = list(profile.scenarios)
    counts = Counter(names[arrival.scenario].startswith("audit_") for arrival in arrivals(profile))
    assert counts[True] / counts.total() == pytest.approx(0.1, abs=0.02)


def test_each_arrival_asks_the_next_question(tmp_path):
    text = _PROFILE.replace("prompt: simple, max_output_tokens: 20", "questions: [open, sums]")
    profile = _loaded(tmp_path, text=text.split("  plain:")[0])
    composer = Composer(profile)
    jobs = [composer.job(arrival) for arrival in arrivals(profile)][:140]
    ids = [job.question.question.id for job in jobs if job.question is not None]
    assert ids[:2] + ids[50:52] + ids[70:71] == ["open:0", "open:1", "sums:0", "sums:1", "open:0"]
    request = jobs[0].request()
    assert request.body["messages"] == list(present(jobs[0].question).question.messages)
    assert (request.body["temperature"], request.body["max_completion_tokens"], request.stream) == (1.0, 40, True)
    assert jobs[0].input_tokens == 7 + count_tokens(request.body["messages"][0]["content"])
    assert jobs[0].request() == request


def test_a_question_brings_its_fields(tmp_path):
    text = _PROFILE.replace("prompt: simple, max_output_tokens: 20", "questions: json, body: {user: me}")
    profile = _loaded(tmp_path, text=text.split("  plain:")[0])
    body = Composer(profile).job(next(arrivals(profile))).request().body
    assert body["response_format"]["type"] == "json_schema"
    assert body["user"] == "me"
    assert "temperature" not in body


def test_the_plan_and_the_forecast_know_the_questions(tmp_path):
    found = forecast(_loaded(tmp_path, "audit: {share: 10%}\n"))
    assert found.by_scenario is not None
    assert found.by_scenario["audit_open"] > 0
    assert found.total is not None
    assert found.total.max_output_tokens is not None


def test_an_objective_may_be_on_the_audits_questions(tmp_path):
    _loaded(tmp_path, "audit: {share: 10%}\nobjectives: ['errors{scenario=audit_open}.rate < 1%']\n")
    with pytest.raises(AuthorError, match="audit_open"):
        _loaded(tmp_path, "objectives: ['errors{scenario=audit_open}.rate < 1%']\n")


def test_in_a_closed_load_the_users_turns_are_shared(tmp_path):
    closed = "load: {kind: closed, users: 5, stages: [{for: 10s}]}"
    text = _PROFILE.replace(_PROFILE.splitlines()[2], closed)
    profile = _loaded(tmp_path, "audit: {share: 20%, questions: [open]}\n", text=text)
    choose, names = asked_by(profile), list(profile.scenarios)
    found = Counter(names[choose(index, 1)] for index in range(3000))
    assert found["plain"] == pytest.approx(2400, abs=100)
    assert found["audit_open"] == pytest.approx(2 * found["audit_open_2"], rel=0.3)
    assert found["simple"] == 0
    unchanged = asked_by(_loaded(tmp_path, text=text))
    assert [unchanged(index, 1) for index in range(3)] == [1, 1, 1]


def test_a_reference_is_a_target_or_a_file(tmp_path):
    (tmp_path / "vendor.json").write_text("{}")
    audit = _loaded(tmp_path, "audit: {reference: vendor.json}\n").audit
    assert (audit.reference_file, audit.reference_target) == (tmp_path / "vendor.json", None)
    targets = "targets: {relay: {base_url: fake://direct}, vendor: {base_url: fake://o-series}}\n"
    audit = _loaded(tmp_path, targets + "audit: {reference: vendor}\n").audit
    assert (audit.reference_file, audit.reference_target) == (None, "vendor")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{reference: vendor}", "audit.reference: there is no target 'vendor'"),
        ("{reference: gone.json}", "audit.reference: gone.json: there is no such file"),
        ("{answers: -1}", "audit.answers: "),
        ("{answers: many}", "audit.answers: expected a whole number, got 'many'"),
        ("{share: 60%}", "audit.share: expected at most 50%"),
        ("{share: 1}", "audit.share: expected a share such as '1%'"),
        ("{questions: [poems]}", "audit.questions"),
        ("{questions: []}", "audit.questions: expected at least one value"),
        ("{anwsers: 3}", "audit.anwsers: unknown key; did you mean 'answers'?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, written, told):
    with pytest.raises(AuthorError) as wrong:
        _loaded(tmp_path, f"audit: {written}\n")
    assert len(wrong.value.faults) == 1
    assert "p.yaml:7:" in str(wrong.value)
    assert told in str(wrong.value)


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("prompt: simple", "prompt"),
        ("input_tokens: 20", "input_tokens"),
        ("max_output_tokens: 5", "max_output_tokens"),
        ("temperature: 0", "temperature"),
        ("nonce: false", "nonce"),
        ("tools: []", "tools"),
    ],
)
def test_questions_stand_in_place_of_a_prompt(tmp_path, key, place):
    text = _PROFILE.replace("prompt: simple, max_output_tokens: 20", f"questions: open, {key}")
    with pytest.raises(AuthorError, match=rf"scenarios\.simple\.{place}: the questions of the audit say this"):
        _loaded(tmp_path, text=text)


def test_an_embedding_answers_no_question(tmp_path):
    text = _PROFILE.replace("prompt: simple, max_output_tokens: 20", "questions: open, endpoint: embeddings")
    with pytest.raises(AuthorError, match="an embedding answers no question"):
        _loaded(tmp_path, text=text)


def test_an_endpoint_without_any_of_the_fields_can_not_be_asked(tmp_path):
    text = _PROFILE.replace("prompt: simple, max_output_tokens: 20", "questions: seed, endpoint: responses")
    with pytest.raises(AuthorError, match="endpoint: responses has no field for any of them"):
        _loaded(tmp_path, text=text)


def test_a_name_that_the_audit_needs_is_taken(tmp_path):
    text = _PROFILE.replace("  simple:", "  audit_open:")
    assert "audit_open" in _loaded(tmp_path, text=text).scenarios
    with pytest.raises(AuthorError, match=r"is the name of a scenario that audit\.share adds"):
        _loaded(tmp_path, "audit: {share: 1%}\n", text=text)


def test_the_rows_of_a_trace_are_replayed_as_they_are(tmp_path):
    (tmp_path / "t.csv").write_text("timestamp,input_tokens,output_tokens\n0,10,5\n1,10,5\n")
    text = _PROFILE.replace("arrivals: constant, stages: [{for: 100s, rate: 20/s}]", "arrivals: {trace: t.csv}")
    with pytest.raises(AuthorError, match=r"audit\.share: the rows of a trace are replayed as they are"):
        _loaded(tmp_path, "audit: {share: 1%}\n", text=text)
