"""Joins by HMAC: both sides talk with numbers for sockets."""

import pytest

from relayload.engine.join_secret import JoinSecret
from relayload.engine.join_session import ASK, CHALLENGE, SEALED, Challenged, Joining, Session

SECRET = JoinSecret(b"0123456789abcdef")
OTHER = JoinSecret(b"0123456789abcdeF")


def nonce(letter: bytes):
    return lambda count: letter * count


def joined(identity: bytes = b"worker-1", masters: bytes = b"m", workers: bytes = b"w") -> tuple[Session, Session]:
    """The sessions of a worker and of its master."""
    joining = Joining(SECRET, identity, nonce(workers))
    challenged = Challenged(SECRET, identity, joining.ask, nonce(masters))
    session = joining.joined(challenged.challenge)
    assert session is not None
    return session, challenged.session


def test_messages_go_both_ways() -> None:
    worker, master = joined()
    for message in (b"", b"hello", b"\x00" * 70_000):
        assert master.opened(worker.sealed(message)) == message
        assert worker.opened(master.sealed(message)) == message


def test_nothing_is_opened_twice_or_after_a_later_one() -> None:
    worker, master = joined()
    first, second = worker.sealed(b"1"), worker.sealed(b"2")
    assert master.opened(second) == b"2"
    assert master.opened(second) is None
    assert master.opened(first) is None
    assert master.opened(worker.sealed(b"3")) == b"3"


def test_a_lost_message_does_no_harm() -> None:
    worker, master = joined()
    worker.sealed(b"lost")
    assert master.opened(worker.sealed(b"next")) == b"next"


def test_no_bit_can_be_changed() -> None:
    worker, master = joined()
    frame = worker.sealed(b"quit")
    for at in range(len(frame) * 8):
        changed = bytearray(frame)
        changed[at // 8] ^= 1 << at % 8
        assert master.opened(bytes(changed)) is None
    assert master.opened(frame) == b"quit"


@pytest.mark.parametrize("frame", [b"", SEALED, SEALED + b"\x00" * 31, SEALED + b"\x00" * 40, b"\x93\xa4quit\xc0\xa1w"])
def test_what_is_not_sealed_is_not_opened(frame: bytes) -> None:
    _, master = joined()
    assert master.opened(frame) is None


def test_what_a_side_has_sent_can_not_be_sent_back_to_it() -> None:
    worker, master = joined()
    assert worker.opened(worker.sealed(b"spawn")) is None
    assert master.opened(master.sealed(b"stats")) is None


@pytest.mark.parametrize(
    "other",
    [{"identity": b"worker-2"}, {"masters": b"n"}, {"workers": b"x"}],
    ids=["another worker", "another master or run", "another connection"],
)
def test_a_message_is_of_no_use_elsewhere(other: dict[str, bytes]) -> None:
    worker, _ = joined()
    _, master = joined(**other)
    assert master.opened(worker.sealed(b"client_ready")) is None


def test_a_worker_notices_a_master_with_another_secret() -> None:
    joining = Joining(SECRET, b"worker-1")
    with pytest.raises(ValueError, match="another join secret"):
        joining.joined(Challenged(OTHER, b"worker-1", joining.ask).challenge)


@pytest.mark.parametrize("cut", [4, 36, 68, 99])
def test_a_challenge_that_is_cut_short_begins_no_session(cut: int) -> None:
    joining = Joining(SECRET, b"worker-1")
    challenge = Challenged(SECRET, b"worker-1", joining.ask).challenge[:cut]
    try:
        assert joining.joined(challenge) is None
    except ValueError:
        assert cut >= 36, "the nonce was right, and the proof was not"


def test_a_challenge_to_another_question_is_ignored() -> None:
    joining, another = Joining(SECRET, b"worker-1"), Joining(SECRET, b"worker-1")
    assert joining.joined(Challenged(SECRET, b"worker-1", another.ask).challenge) is None


def test_a_master_has_a_new_nonce_each_time() -> None:
    ask = Joining(SECRET, b"worker-1").ask
    first, second = (Challenged(SECRET, b"worker-1", ask).challenge for _ in range(2))
    assert first != second
    assert ask.startswith(ASK)
    assert first.startswith(CHALLENGE)
