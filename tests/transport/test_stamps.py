import struct
import sys

import pytest

from relayload import clock
from relayload.transport import stamps
from relayload.transport.stamps import ANCILLARY_BYTES, ArrivalClock, PlainSocket, request_stamps

NOW_S, WALL_NS = 1000.0, 1_700_000_000_500_000_000


@pytest.fixture
def arrivals(monkeypatch):
    clock_of_arrivals = ArrivalClock()
    monkeypatch.setattr(clock, "now_s", lambda: NOW_S)
    monkeypatch.setattr(clock, "wall_ns", lambda: WALL_NS)
    yield clock_of_arrivals
    clock_of_arrivals.close()


def stamp_of(age_s: float) -> list[tuple[int, int, bytes]]:
    """As recvmsg hands it out: made so many seconds before now, on the wall clock."""
    at_ns = WALL_NS - round(age_s * 1e9)
    return [(1, 35, struct.pack("@ll", *divmod(at_ns, 1_000_000_000)))]


def test_bytes_are_as_old_as_their_stamp(arrivals):
    assert arrivals.at_s(stamp_of(0.75), NOW_S - 2.0) == pytest.approx(NOW_S - 0.75, abs=1e-6)
    assert arrivals.kernel


@pytest.mark.parametrize("age_s", [-3600.0, -0.001, 2.001, 3600.0])
def test_a_step_of_the_wall_clock_gives_the_instant_of_reading(arrivals, age_s):
    assert arrivals.at_s(stamp_of(age_s), NOW_S - 2.0) == arrivals.guessed_at_s == NOW_S


def test_two_reads_of_one_segment_have_one_instant(arrivals):
    first_s = arrivals.at_s(stamp_of(0.75), NOW_S - 2.0)
    assert arrivals.at_s(stamp_of(0.75), first_s) == first_s


@pytest.mark.parametrize(("age_s", "at_s"), [(2.00005, NOW_S - 2.0), (-0.00005, NOW_S)])
def test_the_noise_of_the_clocks_is_no_step(arrivals, age_s, at_s):
    assert arrivals.at_s(stamp_of(age_s), NOW_S - 2.0) == at_s


def test_after_a_step_new_stamps_are_right_again(arrivals, monkeypatch):
    arrivals.at_s(stamp_of(0.5), NOW_S - 2.0)
    monkeypatch.setattr(clock, "wall_ns", lambda: WALL_NS + 5_000_000)
    stamp = stamp_of(0.5 - 0.005)
    assert arrivals.at_s(stamp, NOW_S - 2.0) == pytest.approx(NOW_S - 0.5, abs=1e-6)


@pytest.mark.parametrize(("streams", "kernel"), [(0, False), (99, False), (100, True)])
def test_bytes_without_a_stamp_are_timed_by_reading_and_told_unless_they_are_few(arrivals, streams, kernel):
    arrivals.streams = streams
    assert arrivals.at_s([], NOW_S - 2.0) == NOW_S
    assert arrivals.guessed_at_s == NOW_S
    assert arrivals.kernel is kernel


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not stamp TCP")
def test_the_kernel_stamps_from_the_first_byte_on():
    arrivals = ArrivalClock()
    with PlainSocket() as listener, PlainSocket() as receiver:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        receiver.connect(listener.getsockname())
        request_stamps(receiver)
        sender, _ = listener.accept()
        with sender:
            before_s = clock.now_s()
            sender.send(b"x")
            _, ancillary, _, _ = receiver.recvmsg(1, ANCILLARY_BYTES)
            assert before_s <= arrivals.at_s(ancillary, before_s) <= clock.now_s()
    assert arrivals.kernel
    arrivals.close()


def test_where_there_is_no_loopback_there_are_no_stamps(monkeypatch):
    def refuse(*_args: object) -> None:
        raise OSError("no such address")

    monkeypatch.setattr(stamps.PlainSocket, "bind", refuse)
    arrivals = ArrivalClock()
    assert not arrivals.kernel
    arrivals.close()
