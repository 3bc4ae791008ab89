import pytest

from relayload.core.wire.stated_overhead import stated_overhead_s


@pytest.mark.parametrize(
    "name", ["x-litellm-overhead-duration-ms", "x-mlflow-gateway-overhead-duration-ms", "x-kong-proxy-latency"]
)
def test_relays_state_their_overhead_in_milliseconds(name: str):
    assert stated_overhead_s({"content-type": "text/event-stream", name: "2.5"}) == 0.0025


@pytest.mark.parametrize("text", ["", "None", "nan", "inf", "-1", "1e300", "2 ms"])
def test_a_header_that_is_no_time_states_nothing(text: str):
    assert stated_overhead_s({"x-kong-proxy-latency": text}) is None


def test_no_header_states_nothing():
    assert stated_overhead_s({"x-request-id": "7"}) is None
