import math

import pytest

from relayload.fakerelay.logprobs import chat_logprob, completion_logprobs, likelihoods


@pytest.mark.parametrize("place", range(0, 2_000, 37))
def test_the_token_that_was_sent_is_the_likeliest_of_all(place):
    told = likelihoods(" the", place, 20)
    shares = [math.exp(logprob) for _, logprob in told]
    assert told[0][0] == " the"
    assert shares == sorted(shares, reverse=True)
    assert 0.399 < shares[0] < 0.991
    assert sum(shares) < 1
    assert len({token for token, _ in told}) == 20


def test_chats_tell_the_bytes_and_as_many_others_as_were_asked_for():
    told = chat_logprob(" café", 3, 2)
    assert bytes(told["bytes"]).decode() == " café"
    assert told["top_logprobs"][0]["token"] == " café"
    assert len(told["top_logprobs"]) == 2
    assert chat_logprob(" café", 3, 0) == {**told, "top_logprobs": []}


def test_completions_tell_where_each_token_begins():
    told = completion_logprobs([(1, " a"), (2, " bc")], 1, 10)
    assert (told["tokens"], told["text_offset"]) == ([" a", " bc"], [10, 12])
    assert [list(top) for top in told["top_logprobs"]] == [[" a"], [" bc"]]
    assert completion_logprobs([(1, " a")], 0, 0)["top_logprobs"] is None
