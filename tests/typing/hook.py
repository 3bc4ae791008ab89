"""A hook that keeps count of calls."""

from collections import Counter

from relayload import CallReport, Outcome, RelayClient


class Counts:
    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.faults: Counter[str] = Counter()
        self.waited_s = 0.0

    def note(self, report: CallReport) -> None:
        self.outcomes[report.outcome] += 1
        self.waited_s += report.throttled_s + report.backoff_s
        if report.error is not None:
            self.faults[report.error.fault] += len(report.attempts)
        elif report.outcome is Outcome.OK:
            self.faults[f"{report.endpoint} {report.name}: {report.stopped_by or 'through'}"] += 1


COUNTS = Counts()
CLIENT = RelayClient("http://127.0.0.1:8600/v1", "sk-fake", on_call=COUNTS.note)
