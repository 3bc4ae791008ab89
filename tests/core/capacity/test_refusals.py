from msgspec import structs

from relayload.core.capacity.refusals import NOTHING_REFUSED, refusals
from relayload.core.model.record import Outcome


def test_a_load_without_refusals_is_held_back_by_nothing(request_line):
    lines = [request_line(index) for index in range(100)]
    assert refusals(lines, 100.0) == NOTHING_REFUSED
    failing = [request_line(index, outcome=Outcome.SERVER_ERROR, status=500) for index in range(100)]
    assert refusals(failing, 100.0) == NOTHING_REFUSED


def test_429s_by_the_second_are_a_ceiling(request_line):
    lines = [
        structs.replace(
            request_line(index, outcome=Outcome.RATE_LIMITED if index % 10 >= 5 else Outcome.OK),
            intended_at_s=index / 10,
        )
        for index in range(600)
    ]
    found = refusals(lines, 60.0)
    assert found.queue is None
    assert found.ceiling is not None
    assert found.ceiling.per_s == 5.0


def test_503s_while_as_many_are_in_flight_are_a_full_queue(request_line):
    lines = [request_line(index, service_s=4.5) for index in range(100)]
    lines += [
        structs.replace(
            request_line(100 + index, outcome=Outcome.SERVER_ERROR, status=503, service_s=0.01),
            intended_at_s=index + 0.1,
        )
        for index in range(10, 90)
    ]
    found = refusals(lines, 100.0)
    assert found.ceiling is None
    assert found.queue is not None
    assert found.queue.in_flight == 5
