import pytest

from relayload.audit.session import check_first
from relayload.core.errors import AuthorError
from relayload.core.exit_codes import ExitCode
from relayload.core.model.record import Outcome
from relayload.locust_plugin.runs_in_turn import NotMeasured

TARGETS = ("vendor", "relay")
_REFUSED = "Unsupported value: 'temperature' does not support 1 with this model"


def test_a_first_answer_of_each_lets_the_audit_go_on(request_line):
    check_first([request_line(0, target="vendor"), request_line(0, target="relay")], TARGETS)


def test_a_target_that_refuses_the_temperature_is_named(request_line):
    refused = {"outcome": Outcome.REJECTED, "status": 400, "relay_message": _REFUSED, "error": "http_400"}
    with pytest.raises(AuthorError) as told:
        check_first([request_line(0, target="vendor"), request_line(0, target="relay", **refused)], TARGETS)
    (line,) = str(told.value).splitlines()
    assert line.startswith("relay: refuses temperature 1")
    assert "for o3" in line
    assert _REFUSED in line


def test_a_target_that_does_not_answer_ends_it(request_line):
    with pytest.raises(NotMeasured, match="vendor did not answer the first question to o3: http_503") as told:
        check_first(
            [request_line(0, target="vendor", outcome=Outcome.SERVER_ERROR, status=503, error="http_503")], TARGETS
        )
    assert told.value.code == ExitCode.UNREACHABLE
