"""What is counted of an answer and its prompt; words stand for tokens."""

import pytest

from relayload.core.audit.counting import Counted, Sent, counted, uncounted
from relayload.core.audit.request_hash import request_hash
from relayload.core.wire.chat import chat_request
from relayload.core.wire.form import Form
from relayload.core.wire.kept import Kept

USER = {"role": "user", "content": "one two three four"}
SYSTEM = {"role": "system", "content": "be brief"}


def _words(text: str) -> int:
    return len(text.split())


def _sent(*messages, shared_tokens=0, retried=False, **fields) -> Sent:
    return Sent(chat_request("m", list(messages or [USER]), **fields), shared_tokens, retried)


def test_the_prompt_the_text_the_calls_and_the_reasoning_are_counted():
    kept = Kept(text="a b c", thoughts="x y", calls=("1 2", "3"))
    assert counted(_sent(), kept, _words) == Counted(11, 0, 6, 2)


def test_an_answer_without_reasoning_has_none():
    assert counted(_sent(), Kept(text="a"), _words).reasoning == 0


def test_what_was_not_kept_whole_is_not_counted():
    assert counted(_sent(), Kept(cut=True), _words) == Counted(11, 0, None, None)


@pytest.mark.parametrize("run", ["中" * 600, "a" * 512, "=_" * 300, " " * 700])
def test_a_text_without_breaks_takes_too_long_to_be_counted(run):
    assert counted(_sent(), Kept(text=f"a {run} b", thoughts="b"), _words) == Counted(11, 0, None, 1)
    found = counted(_sent({"role": "user", "content": run}), Kept(text="a"), _words)
    assert (found.input, found.output) == (None, 1)


def test_long_texts_with_breaks_are_counted():
    assert counted(_sent(), Kept(text="a " * 5000 + "7" * 5000 + "\n中文，" * 5000), _words).output is not None


def test_several_choices_are_not_counted():
    assert counted(_sent(extra={"n": 2}), Kept(text="a"), _words).output is None


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        (_sent(), 0),
        (_sent(SYSTEM, USER), 4 + 2 + 3),
        (_sent(shared_tokens=2), 2 + 3),
        (_sent(shared_tokens=500), 11),
        (_sent(shared_tokens=None), 11),
        (_sent(retried=True), 11),
    ],
)
def test_what_others_may_have_begun_with_is_repeated(sent, repeated):
    assert counted(sent, Kept(text="a"), _words).repeated_input == repeated


def test_without_counting_only_a_prompt_of_its_own_is_known():
    assert uncounted(_sent()) == Counted(None, 0, None, None)
    assert uncounted(_sent(SYSTEM, USER)) == Counted()
    assert uncounted(_sent(retried=True)) == Counted()


def test_equal_requests_have_the_same_hash_however_they_are_sent():
    plain = request_hash(chat_request("relay/m", [USER], stream=False, max_output_tokens=9), "m")
    older = chat_request("m", [USER], max_output_tokens=9, form=Form(max_tokens_field="max_tokens"))
    assert request_hash(older, "m") == plain
    assert request_hash(chat_request("m", [USER], max_output_tokens=8), "m") != plain
    assert request_hash(chat_request("m", [SYSTEM, USER], max_output_tokens=9), "m") != plain
    assert request_hash(chat_request("m", [USER], max_output_tokens=9), "n") != plain
    assert request_hash(chat_request("m", [USER], max_output_tokens=9, temperature=1.0), "m") != plain
