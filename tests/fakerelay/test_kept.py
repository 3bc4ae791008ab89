from support import present

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.kept import MAX_RESPONSES, KeptResponses
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.schema import RequestKind

PARSED = ParsedRequest("m", RequestKind.SIMPLE, 10, texts=("a prompt",))


def test_a_response_is_made_again_until_it_is_taken():
    kept = KeptResponses()
    kept.keep(PARSED, Reply(7, 1.0, output_tokens=3), 5)
    name = f"resp_fake{7:024x}"
    found = present(kept.find(name))
    assert (found["id"], found["created_at"], found["usage"]["output_tokens"]) == (name, 5, 3)
    assert kept.take(name) == found
    assert kept.find(name) is kept.take(name) is None


def test_the_oldest_is_forgotten():
    kept = KeptResponses()
    for number in range(MAX_RESPONSES + 1):
        kept.keep(PARSED, Reply(number, 1.0), 0)
    assert kept.find(f"resp_fake{0:024x}") is None
    assert kept.find(f"resp_fake{1:024x}") is not None
