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
        ({"code": -1, "msg": "x"}, RelayFault("", None, "-1")),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, RelayFault("m", "overloaded_error")),
    ],
)
def test_faults_are_read_in_the_shapes_in_use(body, fault):
    assert fault_of_body(json.dumps(body).encode()) == fault


@pytest.mark.parametrize("body", [b"", b"Internal Server Error", b"<html>502</html>", b"[1]", b'"text"'])
def test_any_other_body_is_its_own_message(body):
    assert fault_of_body(body) == RelayFault(body.decode())


def test_a_long_fault_is_clipped():
    assert len(fault_of_body(b"x" * 10_000).message) == 500
    assert len(fault_of_error("x" * 10_000).message) == 500
