import math

import pytest

from relayload.core.metrics.rows import grouped
from relayload.core.model.record import Attempt, Outcome

_LIMITED = Attempt(outcome=Outcome.RATE_LIMITED, status=429)


def test_requests_are_grouped_by_every_tag(request_line):
    lines = [
        request_line(0),
        request_line(1, scenario="proof"),
        request_line(2, outcome=Outcome.REJECTED, status=400, error="http_400"),
        request_line(3, outcome=Outcome.REJECTED, status=404, error="http_404"),
        request_line(4, outcome=Outcome.SHORT_CIRCUITED),
        request_line(5),
    ]
    found = {(key.plan_tags.scenario, key.outcome, key.status): len(rows) for key, rows in grouped(lines)}
    assert found == {
        ("simple", "ok", None): 2,
        ("proof", "ok", None): 1,
        ("simple", "rejected", 400): 1,
        ("simple", "rejected", 404): 1,
        ("simple", "short_circuited", None): 1,
    }


def test_rows_are_read_column_by_column(request_line):
    lines = [request_line(2, service_s=1.5), request_line(5, ttft_s=None, ttfo_s=None, service_s=0.25)]
    ((_, rows),) = grouped(lines)
    assert list(rows.due_at_s) == [2.0, 5.0]
    assert list(rows["service"]) == [1.5, 0.25]
    assert rows["ttft"][0] == 0.1
    assert math.isnan(rows["ttft"][1])
    assert list(rows.ends_s) == pytest.approx([3.501, 5.251])
    assert (rows.due_seconds, rows.end_seconds, rows.due_in) == ([2, 5], [3, 5], {2: 1, 5: 1})
    assert rows.streamed
    with pytest.raises(KeyError):
        rows["nothing"]


def test_attempts_are_those_of_every_request(request_line):
    ((_, once),) = grouped([request_line(0), request_line(1)])
    ((_, often),) = grouped([request_line(0, retried=(_LIMITED, _LIMITED)), request_line(1)])
    assert (once.once, once.retries, len(once.attempts)) == (True, 0, 2)
    assert (often.once, often.retries, len(often.attempts)) == (False, 2, 4)
    assert [len(often.where([is_wanted, not is_wanted])) for is_wanted in (True, False)] == [1, 1]
