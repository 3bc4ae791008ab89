"""Records reach the master whole and in order, whatever the channel does to the messages."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.recording.shipping import PIECE_BYTES, Receiver, Sender, whole_lines


@dataclass
class Link:
    """Both ends and what lies between them. `file` is the worker's, `copy` the master's."""

    file: bytes = b""
    copy: bytes = b""
    sender: Sender = field(default_factory=Sender)
    receiver: Receiver = field(default_factory=Receiver)
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    acks: list[int] = field(default_factory=list)

    def send(self, now_s: float) -> None:
        while (offset := self.sender.next_offset(len(self.file), now_s)) is not None:
            data = whole_lines(self.file[offset : offset + PIECE_BYTES])
            self.pieces.append((offset, data))
            self.sender.sent(offset + len(data), now_s)

    def receive(self, position: int = 0) -> None:
        offset, data = self.pieces.pop(position)
        more = self.receiver.continuation(offset, data)
        self.copy += more
        self.receiver.size += len(more)
        self.acks.append(self.receiver.size)

    def acknowledge(self, now_s: float, position: int = 0) -> None:
        self.sender.acknowledge(self.acks.pop(position), now_s)

    def tamper(self, chance: Random) -> None:
        """Lose a message or repeat it."""
        both: tuple[list[Any], list[Any]] = (self.pieces, self.acks)
        for messages in both:
            if messages and chance.random() < 0.3:
                messages.pop(chance.randrange(len(messages)))
            if messages and chance.random() < 0.3:
                messages.append(chance.choice(messages))

    def settle(self, now_s: float) -> None:
        """Go on without faults until everything is acknowledged."""
        while self.sender.acknowledged < len(self.file):
            now_s += 3.0
            self.send(now_s)
            while self.pieces:
                self.receive()
            while self.acks:
                self.acknowledge(now_s)


def test_what_was_written_is_sent_at_once_and_then_four_times_a_second() -> None:
    link = Link(b"one\n")
    link.send(now_s=10.0)
    link.file += b"two\n"
    link.send(now_s=10.2)
    assert link.pieces == [(0, b"one\n")]
    link.send(now_s=10.25)
    assert link.pieces == [(0, b"one\n"), (4, b"two\n")]


def test_at_most_two_pieces_are_on_their_way() -> None:
    link = Link(b"x" * 3 * PIECE_BYTES)
    link.send(now_s=0.0)
    assert [offset for offset, _ in link.pieces] == [0, PIECE_BYTES]
    link.receive()
    link.acknowledge(now_s=0.01)
    link.send(now_s=0.01)
    assert [offset for offset, _ in link.pieces] == [PIECE_BYTES, 2 * PIECE_BYTES], "a full piece is not held back"


def test_a_lost_piece_is_sent_again_with_all_after_it() -> None:
    link = Link(b"one\n")
    link.send(now_s=0.0)
    link.file += b"two\n"
    link.send(now_s=1.0)
    link.pieces.pop(0)
    link.receive()
    assert (link.copy, link.acks) == (b"", [0]), "the second may not come before the first"
    link.acknowledge(now_s=1.1)
    link.send(now_s=2.9)
    assert link.pieces == []
    link.send(now_s=3.0)
    assert link.pieces == [(0, b"one\ntwo\n")]


def test_a_lost_acknowledgement_costs_a_repetition_of_which_nothing_is_written() -> None:
    link = Link(b"one\n")
    link.send(now_s=0.0)
    link.receive()
    link.acks.clear()
    link.file += b"two\n"
    link.send(now_s=3.0)
    link.receive()
    link.acknowledge(now_s=3.1)
    assert (link.copy, link.sender.acknowledged) == (b"one\ntwo\n", 8)


def test_an_acknowledgement_that_comes_late_takes_nothing_back() -> None:
    link = Link(b"one\n")
    link.send(now_s=0.0)
    link.receive()
    link.file += b"two\n"
    link.send(now_s=1.0)
    link.receive()
    link.acknowledge(now_s=1.1, position=1)
    link.acknowledge(now_s=1.1)
    link.send(now_s=9.0)
    assert (link.sender.acknowledged, link.pieces) == (8, [])


@pytest.mark.parametrize(("data", "lines"), [(b"one\ntw", b"one\n"), (b"one\n", b"one\n"), (b"endless", b"endless")])
def test_pieces_end_with_whole_lines_where_they_can(data: bytes, lines: bytes) -> None:
    assert whole_lines(data) == lines


@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_lost_repeated_and_reordered_messages_do_no_harm(chance: Random, lines_at_once: int) -> None:
    link, now_s = Link(), 0.0
    for _ in range(60):
        for number in range(chance.randrange(lines_at_once)):
            link.file += b"%d%s\n" % (number, b"x" * chance.randrange(PIECE_BYTES))
        now_s += chance.random()
        link.send(now_s)
        link.tamper(chance)
        while link.pieces and chance.random() < 0.6:
            link.receive(chance.randrange(len(link.pieces)))
        while link.acks and chance.random() < 0.6:
            link.acknowledge(now_s, chance.randrange(len(link.acks)))
        assert link.file.startswith(link.copy)
        assert link.sender.acknowledged <= len(link.copy)
    link.settle(now_s)
    assert link.copy == link.file
