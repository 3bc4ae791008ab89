import json

import pytest

from relayload.core.wire.faults import fault_of_body, fault_of_error
from relayload.core.wire.request import RelayFault


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c", "param": None}}, RelayFault("m", "t", "c")),
        ({"error": {"message": "m", "code": 429}}, RelayFault("m", None, "429")),
        ({"error": "text"}, RelayFault("text")),
        ({"detail": "Not Found"}, RelayFault("Not Found")),
        ({"detail": [{"loc": ["body"]}]}, RelayFault('[{"loc":["body"]}]')),
        ({"status": "failure", "message": "m"}, RelayFault("m")),
        ({"error": {"error": {"message": "m", "code": "c"}}}, RelayFault("m", None, "c")),
        ({"error": "m", "code": "insufficient_quota"}, RelayFault("m", None, "insufficient_quota")),
        ({"error": {"message": "m", "code": 429.0}}, RelayFault("m", None, "429")),
        ({"error": {"message": ["m"], "type": {"x": 1}, "code": [1]}}, RelayFault('["m"]')),
        ([{"error": {"message": "m", "code": 400, "status": "INVALID_ARGUMENT"}}], RelayFault("m", None, "400")),
        ({"base_resp": {"status_code": 1002, "status_msg": "m"}}, RelayFault("m", "rate_limit_exceeded", "1002")),
        ({"errors": [{"message": "m", "code": 10013}], "success": False}, RelayFault("m", None, "10013")),
        ({"errors": ["m"]}, RelayFault("m")),
        ({"errors": [], "message": "m"}, RelayFault("m")),
        ({"statusCode": 429, "message": "m"}, RelayFault("m", None, "429")),
        ({"status": 429, "error": "m"}, RelayFault("m", None, "429")),
        ({"status": 429, "code": "c", "message": "m"}, RelayFault("m", None, "c")),
        ({"status": 200, "message": "m"}, RelayFault("m")),
        ({"error": {"status_code": "503", "message": "m"}}, RelayFault("m", None, "503")),
        ({"error": {"http_code": "429", "message": "m", "type": "t"}}, RelayFault("m", "t", "429")),
        ({"error": {"status": "INVALID_ARGUMENT", "message": "m"}}, RelayFault("m")),
        ({"code": -1, "msg": "x"}, RelayFault("x", None, "-1")),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, RelayFault("m", "overloaded_error")),
    ],
)
def test_faults_are_read_in_the_shapes_in_use(body, fault):
    assert fault_of_body(json.dumps(body).encode()) == fault


@pytest.mark.parametrize("body", [b"", b"Internal Server Error", b"[1]", b'"text"'])
def test_any_other_body_is_its_own_message(body):
    assert fault_of_body(body) == RelayFault(body.decode())


@pytest.mark.parametrize(
    "code", [b"9" * 5_000, b'"' + b"9" * 5_000 + b'"', b"1e999", b"NaN", b"-Infinity", b"[" * 5_000]
)
def test_a_code_of_any_kind_is_survived(code):
    fault = fault_of_body(b'{"error":{"message":"m","code":%b}}' % code)
    assert fault.message == "m" or code.startswith(b"[")
    assert len(fault.code or "") <= 200


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"error":{"message":"m","code":"c"}}\n\n',
        b'event: error\ndata: {"message":"m","code":"c"}',
        b': ping\n\nerror: {"message":"m","code":"c"}\n\ndata: [DONE]\n\n',
        b'{"error":{"message":"m","code":"c"}}\n\ndata: [DONE]\n\n',
        b'{"error":{"message":"m","code":"c"}}\n{"error":"n"}',
    ],
)
def test_an_error_that_comes_as_a_stream_or_before_one_is_read(body):
    assert fault_of_body(body) == RelayFault("m", None, "c")


@pytest.mark.parametrize("body", [b"id: 7 is unknown", b": nothing", b"Unavailable: try later"])
def test_a_text_that_looks_like_a_stream_is_a_text(body):
    assert fault_of_body(body).message == body.decode()


def test_half_a_character_in_a_fault_is_replaced():
    assert fault_of_body(b'{"error":{"message":"a\\ud83d","code":"\xff"}}') == RelayFault("a\ufffd", None, "\ufffd")


def test_a_long_fault_is_clipped():
    assert len(fault_of_body(b"x" * 10_000).message) == 500
    assert len(fault_of_error("x" * 10_000).message) == 500


@pytest.mark.parametrize("shape", ["{}", '{{"error": {{"message": "{}"}}}}', '{{"detail": [{{"msg": "{}"}}]}}'])
def test_a_wait_is_heard_however_much_is_said_before_it(shape):
    fault = fault_of_body(shape.format("Rate limited. " * 200 + "Please try again in 11.5s.").encode())
    assert (len(fault.message), fault.retry_after_s) == (500, 11.5)
