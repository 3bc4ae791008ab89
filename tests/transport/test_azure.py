"""Azure's way: a deployment in the path, the version of the API in a query, and the key in a header of its own."""

import json

import pytest
from support import PATIENT

from relayload.core.errors import AuthorError
from relayload.core.model.record import Outcome
from relayload.transport.drivers import DRIVERS, new_transport

QUERY = "?api-version=2024-10-21&feature=a%2Fb&feature=c"
KEY = "0123456789abcdef"


@pytest.fixture
def send(serve, ask):
    """Sends a request with a driver; the request as the server had it, and the answer."""

    def script(peer):
        request = peer.read_request()
        said = f"wrong {request.headers.get('api-key', 'none')}"
        peer.answer(json.dumps({"error": {"message": said}}).encode(), "400 Bad Request")

    def send(driver, **options):
        server = serve(script)
        transport = new_transport(driver, f"{server.base_url}/openai/deployments/o3{QUERY}", KEY, **options)
        answer = transport.send(ask(stream=False), PATIENT)
        transport.close()
        return server.requests[0], answer.attempt

    return send


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_query_comes_after_the_path_of_the_request(send, driver):
    request, _ = send(driver)
    assert request.head.split()[1] == f"/v1/openai/deployments/o3/chat/completions{QUERY}"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_key_goes_in_its_own_header_alone_and_is_concealed(send, driver):
    request, attempt = send(driver, api_key_header="api-key", headers={"x-team": "a"})
    assert "authorization" not in request.headers
    assert (request.headers["api-key"], request.headers["x-team"]) == (KEY, "a")
    assert (attempt.outcome, attempt.relay_message) == (Outcome.REJECTED, "wrong ***")


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_key_may_be_all_that_authorization_says(send, driver):
    request, _ = send(driver, api_key_header="Authorization")
    assert request.headers["authorization"] == KEY


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("name", ["", "api key", "api-key\r\nx", "schl\u00fcssel"])
def test_what_is_no_name_of_a_header_is_the_authors_fault(driver, name):
    with pytest.raises(AuthorError, match="api_key_header: expected the name of a header"):
        new_transport(driver, "http://127.0.0.1:1/v1", KEY, api_key_header=name)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_header_that_a_driver_sets_is_no_place_for_the_key(driver):
    with pytest.raises(AuthorError, match="api_key_header: 'Host' is set by the driver"):
        new_transport(driver, "http://127.0.0.1:1/v1", KEY, api_key_header="Host")


def test_a_proxy_that_reads_the_request_sees_the_query(serve, connect, ask, monkeypatch):
    def script(peer):
        peer.read_request()
        peer.answer()

    proxy = serve(script)
    monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
    connect("http://relay.invalid/v1?api-version=1").send(ask(stream=False), PATIENT)
    assert proxy.requests[0].head.startswith("POST http://relay.invalid/v1/chat/completions?api-version=1 HTTP/1.1")
