"""Reports records to Locust's statistics, for its table, charts and CSV files. Gates never read them."""

from locust.env import Environment

from collections.abc import Iterable, Mapping

from relayload.core.model.record import Attempt, BreakerState, Outcome, Record, Transition
from relayload.core.wire.tpot import tpot_s

TTFT = "ttft"
"""The type of the rows of times to the first token."""
TPOT = "tpot"
"""The type of the rows of times per output token."""
BREAKER = "breaker"
"""The type of the rows of breakers, whose requests are trips."""
SIDE_ENTRIES = frozenset((TTFT, TPOT, BREAKER))
"""The types of the rows that count no requests, and are in no total."""

_MS = 1000.0
_NOT_SENT = " (not sent)"


class RequestFailed(Exception):
    """A failed request as Locust's table shows it: its outcome and a stable name, so that rows stay few."""


class LocustStats:
    """Reports records to one environment: a row per scenario, timed from the send, and side entries.

    Side entries are a row each for its TTFT and TPOT, and one per breaker that has tripped.

    If there are several targets, or keys with names, each has rows of its own. Requests that were never sent, because a
    breaker was open or no time was left, have a row of their own. `kinds` gives the request type of each scenario: its
    endpoint.
    """

    def __init__(self, environment: Environment, kinds: Mapping[str, str]) -> None:
        self._environment = environment
        self._kinds = kinds

    def __call__(self, line: Record | Transition) -> None:
        if isinstance(line, Transition):
            self._report_transition(line)
        elif line.attempts:
            self._report_answer(line)
        else:
            self._fire(line, _name(line) + _NOT_SENT, 0.0, 0)

    def _report_answer(self, record: Record) -> None:
        attempt = record.attempts[-1]
        service_s = record.latency_s if attempt.service_s is None else attempt.service_s
        self._fire(record, _name(record), service_s * _MS, attempt.received_bytes)
        log_stream(self._environment, _name(record), attempt)

    def _report_transition(self, change: Transition) -> None:
        if change.after is BreakerState.OPEN:
            self._environment.stats.entries[(change.scope, BREAKER)].log(None, 0)  # type: ignore[arg-type] # no time

    def _fire(self, record: Record, name: str, response_time_ms: float, received_bytes: int) -> None:
        self._environment.events.request.fire(
            request_type=self._kinds[record.scenario],
            name=name,
            response_time=response_time_ms,
            response_length=received_bytes,
            exception=_exception(record),
            context={"relayload": record},
        )


def log_stream(environment: Environment, name: str, attempt: Attempt) -> None:
    """Log the times of a stream as side entries."""
    first_s, last_s, tokens = attempt.ttft_s, attempt.last_token_s, attempt.streamed_tokens
    if first_s is None:
        return
    environment.stats.entries[(name, TTFT)].log(round(first_s * _MS), 0)
    per_token_s = None if last_s is None or tokens is None else tpot_s(first_s, last_s, tokens)
    if per_token_s is not None:
        environment.stats.entries[(name, TPOT)].log(round(per_token_s * _MS, 2), 0)  # type: ignore[arg-type] # any number


def row_names(scenario: str, targets: Mapping[str, Iterable[str | None]]) -> frozenset[str]:
    """Return the names under which a scenario's requests are counted, whichever target they went to.

    `targets` gives the names of the keys of each target; None for one without a name.
    """
    names = {scenario}
    for target, keys in targets.items():
        names |= {_row(scenario, at, key) for at in (None, target) for key in keys}
    return frozenset([*names, *(name + _NOT_SENT for name in names)])


def _name(record: Record) -> str:
    return _row(record.scenario, record.target, record.key)


def _row(scenario: str, target: str | None, key: str | None) -> str:
    at = "" if target is None else f" at {target}"
    return f"{scenario}{at}" if key is None else f"{scenario}{at} as {key}"


def _exception(record: Record) -> RequestFailed | None:
    if record.outcome in (Outcome.OK, Outcome.CANCELLED):
        return None
    error = record.attempts[-1].error if record.attempts else record.stopped_by
    return RequestFailed(f"{record.outcome}: {error}" if error else str(record.outcome))
