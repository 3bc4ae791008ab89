"""The state of a relay since its start or last reset."""

from dataclasses import dataclass, replace
from typing import Self

from relayload import clock
from relayload.fakerelay.behavior import Behavior
from relayload.fakerelay.dialects import DIALECTS, Dialect, Hints
from relayload.fakerelay.dialects.answers import JSON, hint_headers
from relayload.fakerelay.kept import KeptResponses
from relayload.fakerelay.limits import Admission
from relayload.fakerelay.preset import Preset
from relayload.fakerelay.recorder import Recorder
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal
from relayload.fakerelay.request_log import Entry, Outcome, RequestLog, request_id
from relayload.fakerelay.ticker import Ticker
from relayload.fakerelay.wire import Wire


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that requests share. Each request keeps the run in which it arrived."""

    behavior: Behavior
    log: RequestLog
    ticker: Ticker
    dialect: Dialect
    hints: Hints
    started_at_s: float
    recorder: Recorder | None
    kept: KeptResponses

    @classmethod
    def of(cls, preset: Preset, ticker: Ticker, recorder: Recorder | None, started_at_s: float) -> Self:
        """Return a new run with empty counters."""
        dialect = DIALECTS[preset.dialect]
        hints = _hints(dialect, preset)
        return cls(Behavior(preset), RequestLog(), ticker, dialect, hints, started_at_s, recorder, KeptResponses())

    def speaking(self, dialect: Dialect, preset: Preset) -> Self:
        """Return the same run for requests that are answered in another dialect."""
        return replace(self, dialect=dialect, hints=_hints(dialect, preset))

    def refuse(self, wire: Wire, refusal: Refusal, admission: Admission, number: int | None = None) -> int:
        """Refuse a request in the relay's dialect, and return the status."""
        wall_ns = clock.wall_ns()
        occurrence = Occurrence(request_id(number or wall_ns), wall_ns / 1e9)
        answer = self.dialect.error_answer(refusal, occurrence)
        headers = answer.headers + self.request_id_line(occurrence.request_id) + self.hint_headers(admission)
        # The rest of a too large body is not read, so the connection can't be reused.
        respond(wire, answer.status, answer.body, headers, close=refusal.reason is Reason.TOO_LARGE)
        return answer.status

    def hint_headers(self, admission: Admission) -> bytes:
        """Return the headers that report the client's limits."""
        wall_s = clock.wall_ns() / 1e9
        return hint_headers(self.hints, admission.standings, admission.refused_by, self.dialect.limit_lines, wall_s)

    def request_id_line(self, name: str) -> bytes:
        """Return the header with the id of a request."""
        return b"%b: %b\r\n" % (self.dialect.request_id_name, name.encode())

    def end(self, entry: Entry, outcome: Outcome) -> None:
        """Count a request that has ended."""
        self.log.end(entry, outcome, clock.wall_ns())
        if self.recorder is not None:
            self.recorder.write(entry)


def _hints(dialect: Dialect, preset: Preset) -> Hints:
    return dialect.hints.model_copy(update=preset.hints.model_dump(exclude_none=True))


def respond(wire: Wire, status: int, body: bytes, headers: bytes = JSON, *, close: bool = False) -> None:
    """Write a whole response at once."""
    data = response_bytes(wire, status, body, headers)
    wire.write(data if wire.takes_body else data[: len(data) - len(body)])
    wire.end(close=close)


def response_bytes(wire: Wire, status: int, body: bytes, headers: bytes = JSON) -> bytes:
    """Return the bytes of a whole response."""
    return wire.head(status, b"%bcontent-length: %d\r\n" % (headers, len(body))) + body
