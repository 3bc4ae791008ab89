"""Records that are shipped end up in the recording of the master, or stay where they are with the reason."""

from collections.abc import Callable
from pathlib import Path

import gevent
import pytest
from support import until

from relayload.core.errors import AuthorError
from relayload.core.model.record import End
from relayload.core.model.run import RunInfo
from relayload.engine.host import host_id
from relayload.engine.messages import RecordsAck, RecordsPiece
from relayload.engine.received_records import OVER, ReceivedRecords
from relayload.engine.shipper import Shipper
from relayload.recording import Recording
from relayload.recording.compression import Compression, CutShort, best_known, pack, unpack

MakeRun = Callable[..., RunInfo]


@pytest.fixture
def master(tmp_path: Path, make_run: MakeRun) -> Recording:
    return Recording.create(tmp_path / "master", make_run(uid="a" * 32))


@pytest.fixture
def own(tmp_path: Path, make_run: MakeRun) -> Recording:
    return Recording.create(tmp_path / "worker", make_run(uid="a" * 32))


def piece(offset: int, data: bytes, uid: str = "a" * 32) -> RecordsPiece:
    packed = pack(data, Compression.GZIP)
    return RecordsPiece(run_uid=uid, worker=3, offset=offset, data=packed, compression=Compression.GZIP)


def test_each_byte_is_written_once(master: Recording) -> None:
    received = ReceivedRecords(master)
    sizes = [received.take(piece(*each)).size for each in ((4, b"b\n"), (0, b"one\n"), (0, b"one\nb\n"), (0, b"one\n"))]
    assert sizes == [0, 4, 6, 6]
    assert master.records_file(3).read_bytes() == b"one\nb\n"


def test_pieces_of_another_run_and_of_one_that_is_over_are_refused(master: Recording) -> None:
    received = ReceivedRecords(master)
    received.take(piece(0, b"one\n"))
    other = "b" * 32
    assert received.take(piece(4, b"two\n", other)) == RecordsAck(run_uid=other, size=0, refusal=OVER)
    received.close()
    assert received.take(piece(4, b"two\n")).refusal == OVER
    assert master.records_file(3).read_bytes() == b"one\n"


def test_a_file_that_is_there_already_is_left_alone(master: Recording) -> None:
    master.records_file(3).write_text("other\n")
    received = ReceivedRecords(master)
    assert "File exists" in str(received.take(piece(0, b"one\n")).refusal)
    assert "File exists" in str(received.failure)
    assert master.records_file(3).read_text() == "other\n"


@pytest.mark.parametrize("compression", [Compression.GZIP, best_known()])
def test_a_damaged_or_swollen_piece_is_not_unpacked(compression: Compression) -> None:
    packed = pack(b"x" * 1000, compression)
    assert unpack(packed, compression, 1000) == b"x" * 1000
    for damaged, most in ((packed, 999), (packed[:-1], 1000), (b"garbage", 1000)):
        with pytest.raises(CutShort):
            unpack(damaged, compression, most)


def test_a_recording_is_shipped_while_it_grows_and_removed_when_the_master_has_it(
    master: Recording, own: Recording
) -> None:
    received, writer = ReceivedRecords(master), own.writer(3)
    shipper = Shipper(own, 3, best_known(), lambda piece: shipper.acknowledge(received.take(piece)))
    shipper.start()
    for number in range(3):
        writer.write(End(worker=3, at_s=number, started=0, dropped=0))
        until(lambda: master.records_file(3).exists() and shipper.settled)
        assert master.records_file(3).read_bytes() == own.records_file(3).read_bytes()
    writer.close()
    shipper.end()
    assert not own.directory.exists()


def test_a_recording_that_the_master_does_not_get_stays(own: Recording, caplog: pytest.LogCaptureFixture) -> None:
    writer, sent = own.writer(3), list[RecordsPiece]()
    shipper = Shipper(own, 3, best_known(), sent.append)
    writer.write(End(worker=3, at_s=0, started=0, dropped=0))
    shipper.start()
    until(lambda: sent)
    size = own.records_file(3).stat().st_size
    assert not shipper.settled
    shipper.end()
    writer.close()
    assert f"stay in {own.directory}: the master has 0 of {size} bytes" in caplog.text
    assert own.records_file(3).stat().st_size == size


def test_a_master_that_wants_no_more_is_sent_no_more(own: Recording) -> None:
    writer, sent = own.writer(3), list[RecordsPiece]()
    shipper = Shipper(own, 3, best_known(), sent.append)
    writer.write(End(worker=3, at_s=0, started=0, dropped=0))
    shipper.acknowledge(RecordsAck(run_uid="b" * 32, size=0, refusal="of another run"))
    shipper.start()
    until(lambda: sent)
    shipper.acknowledge(RecordsAck(run_uid="a" * 32, size=0, refusal=OVER))
    assert shipper.settled
    shipper.end()
    gevent.sleep(0)
    writer.close()
    assert own.directory.exists()


def test_a_full_disk_is_told_with_its_file(tmp_path: Path, own: Recording) -> None:
    own.records_file(3).symlink_to("/dev/full")
    with pytest.raises(AuthorError, match=r"records-3\.jsonl: can't be written: No space left on device"):
        own.writer(3).write(End(worker=3, at_s=0, started=0, dropped=0))


def test_a_host_has_one_id() -> None:
    assert host_id()
    assert host_id() == host_id()
