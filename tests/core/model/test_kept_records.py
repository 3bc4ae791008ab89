import pytest

from relayload.core.model.kept_records import EVERY_RECORD, KeptRecords
from relayload.core.model.record import Outcome

FAILED = {"outcome": Outcome.SERVER_ERROR}


@pytest.mark.parametrize(
    ("kept", "ok", "failed", "dropped"),
    [
        (EVERY_RECORD, True, True, True),
        (KeptRecords(failed=True, share=0.0), False, True, False),
        (KeptRecords(failed=False, share=0.0), False, False, False),
    ],
)
def test_records_are_kept_by_their_outcome(
    kept: KeptRecords, ok: bool, failed: bool, dropped: bool, request_line, drop_line, end_line
):
    found = [line in kept for line in (request_line(1), request_line(1, **FAILED), drop_line(1), end_line())]
    assert found == [ok, failed, dropped, True]


def test_a_sample_is_drawn_by_arrival_whoever_sends_it(request_line):
    kept = KeptRecords(failed=False, share=0.1, seed=7)
    drawn = {index for index in range(10_000) if request_line(index, worker=index % 3) in kept}
    assert drawn == {index for index in range(10_000) if request_line(index, worker=5, **FAILED) in kept}
    assert 900 < len(drawn) < 1100
    others = KeptRecords(failed=False, share=0.1, seed=8)
    assert drawn != {index for index in range(10_000) if request_line(index) in others}
