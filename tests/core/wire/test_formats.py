import pytest

from relayload.core.wire.chat import chat_request
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.form import Form
from relayload.core.wire.formats import output_budget
from relayload.core.wire.request import WireRequest
from relayload.core.wire.responses import responses_request


@pytest.mark.parametrize(
    ("request_", "budget"),
    [
        (chat_request("o3", [], max_output_tokens=20), 20),
        (chat_request("o3", [], extra={"max_tokens": 30}), 30),
        (chat_request("o3", [], extra={"max_completion_tokens": None, "max_tokens": 30}), 30),
        (chat_request("o3", []), 0),
        (chat_request("o3", [], max_output_tokens=20, form=Form("max_tokens")), 20),
        (chat_request("o3", [], max_output_tokens=20, form=Form("none")), 20),
        (chat_request("o3", [], max_output_tokens=20, extra={"max_completion_tokens": None}), 20),
        (responses_request("o3", "hi", max_output_tokens=40), 40),
        (responses_request("o3", "hi", max_output_tokens=40, form=Form("none")), 40),
        (embeddings_request("e", ["hi"], extra={"max_tokens": 30}), 0),
    ],
)
def test_the_budget_of_an_answer_stands_where_its_endpoint_has_it(request_: WireRequest, budget: int) -> None:
    assert output_budget(request_) == budget
