"""What a request spent its time on, phase after phase."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from relayload.core.model.record import Attempt, Record


class Phase(StrEnum):
    """A part of a request's time. Those of its attempts before the last are taken together."""

    QUEUE = "queue"
    """Waiting on our side: for its start, for a quota, or before a retry."""
    EARLIER = "earlier attempts"
    CONNECT = "connect"
    """Waiting for a connection, DNS, TCP and TLS."""
    SEND = "send"
    FIRST_TOKEN = "first token"
    """From the last byte sent to the first token."""
    DECODE = "decode"
    """From the first token to the last byte."""
    ANSWER = "answer"
    """From the last byte sent to the end, of an answer whose first token nobody saw."""


class Stretch(NamedTuple):
    """One phase, in seconds since the intended start."""

    phase: Phase
    begins_s: float
    ends_s: float

    @property
    def seconds(self) -> float:
        return self.ends_s - self.begins_s


@dataclass(frozen=True, slots=True)
class Lane:
    """A request with its phases, which follow one another from 0 to its latency."""

    record: Record
    stretches: tuple[Stretch, ...]

    @property
    def request_id(self) -> str | None:
        """The id that the relay gave to the answering attempt."""
        return self.record.attempts[-1].request_id if self.record.attempts else None

    def seconds_in(self, phase: Phase) -> float:
        """Return the total seconds of a phase."""
        return sum(stretch.seconds for stretch in self.stretches if stretch.phase is phase)


def lane(record: Record) -> Lane:
    """Return the phases of a request; whatever no attempt accounts for is waiting on our side."""
    stretches: list[Stretch] = []
    at_s = 0.0
    for phase, begins_s, ends_s in _phases(record):
        begins_s, ends_s = max(at_s, begins_s), min(max(at_s, ends_s), record.latency_s)
        if begins_s > at_s:
            stretches.append(Stretch(Phase.QUEUE, at_s, min(begins_s, record.latency_s)))
        if ends_s > begins_s:
            stretches.append(Stretch(phase, begins_s, ends_s))
        at_s = max(ends_s, min(begins_s, record.latency_s))
    if record.latency_s > at_s:
        stretches.append(Stretch(Phase.QUEUE, at_s, record.latency_s))
    return Lane(record, tuple(stretches))


def _phases(record: Record) -> Iterator[tuple[Phase, float, float]]:
    """Yield when phases begin and end since the intended start; between them the request waits."""
    for number, attempt in enumerate(record.attempts, 1):
        if attempt.sent_at_s is not None:
            sent_s = attempt.sent_at_s - record.intended_at_s
            is_last = number == len(record.attempts)
            yield from _of_last(attempt, sent_s) if is_last else _of_earlier(attempt, sent_s)


def _of_earlier(attempt: Attempt, sent_s: float) -> Iterator[tuple[Phase, float, float]]:
    yield Phase.EARLIER, sent_s - _connect_s(attempt), sent_s + (attempt.service_s or 0.0)


def _of_last(attempt: Attempt, sent_s: float) -> Iterator[tuple[Phase, float, float]]:
    written_s, ends_s = sent_s + (attempt.send_s or 0.0), sent_s + (attempt.service_s or 0.0)
    yield Phase.CONNECT, sent_s - _connect_s(attempt), sent_s
    yield Phase.SEND, sent_s, written_s
    if attempt.ttft_s is None:
        yield Phase.ANSWER, written_s, ends_s
    else:
        yield Phase.FIRST_TOKEN, written_s, sent_s + attempt.ttft_s
        yield Phase.DECODE, sent_s + attempt.ttft_s, ends_s


def _connect_s(attempt: Attempt) -> float:
    return sum(filter(None, (attempt.blocked_s, attempt.dns_s, attempt.connect_s, attempt.tls_s)))
