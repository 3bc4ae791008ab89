"""Recorded traffic: the rows of a trace file, streamed from disk, each sent at its own time with its own size.

Some rows can't be sent as recorded:

- a row without input or output tokens is sent with one: no API accepts an empty prompt or an empty budget.
  BurstGPT's rows without an answer are failures of the recorded service, and are left out;
- a row earlier than the one before it is a fault: its true place is unknown, and after a jump back of hours, as in
  two joined files, everything that follows would be due at once.
"""

from relayload.profile.trace.options import Columns, Trace
from relayload.profile.trace.reading import TraceRow
from relayload.profile.trace.recognize import recognized
from relayload.profile.trace.rows import check, rows

__all__ = ["Columns", "Trace", "TraceRow", "check", "recognized", "rows"]
