"""Records -> rows of Locust's statistics, for its table, charts and CSV. Gates never read them."""

from locust.env import Environment

from collections.abc import Mapping

from relayload.core.results.record import Outcome, Record

_MS = 1000.0


class RequestFailed(Exception):
    """How a failed request reads in Locust's table: the outcome and its stable name, so that rows stay few."""


class Rows:
    """Reports records to one environment: a row per scenario, timed from the send, and one for its TTFT.

    `kinds` says what the requests of each scenario are called: by their endpoint.
    """

    def __init__(self, environment: Environment, kinds: Mapping[str, str]) -> None:
        self._environment = environment
        self._kinds = kinds

    def __call__(self, record: Record) -> None:
        attempt = record.attempts[-1]
        service_s = record.latency_s if attempt.service_s is None else attempt.service_s
        self._environment.events.request.fire(
            request_type=self._kinds[record.scenario],
            name=record.scenario,
            response_time=service_s * _MS,
            response_length=attempt.received_bytes,
            exception=_exception(record),
            context={"relayload": record},
        )
        if attempt.ttft_s is not None:
            self._environment.stats.entries[(record.scenario, "ttft")].log(round(attempt.ttft_s * _MS), 0)


def _exception(record: Record) -> RequestFailed | None:
    if record.outcome in (Outcome.OK, Outcome.CANCELLED):
        return None
    error = record.attempts[-1].error
    return RequestFailed(f"{record.outcome}: {error}" if error else str(record.outcome))
