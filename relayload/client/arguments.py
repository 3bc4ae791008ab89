"""Checks the arguments of a new client before the first request is sent."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, get_args

from relayload.core.errors import AuthorError, Fault
from relayload.core.resilience.breakers import Scope
from relayload.core.resilience.dialects import DIALECTS
from relayload.core.wire.form import MAX_TOKENS_FIELDS
from relayload.core.wire.request import Timeouts
from relayload.core.wire.stream import FinishReason
from relayload.transport.drivers import DRIVERS
from relayload.transport.key_text import unfit_key

FROM_HEADERS = "from_headers"


def check(
    *,
    base_url: Any,
    api_key: Any,
    headers: Mapping[str, Any] | None,
    driver: str,
    dialect: str,
    max_tokens_field: str,
    quota: Any,
    breaker_scope: str,
    attempt_timeouts: Any,
    deadline_s: Any,
    finish_reason: str,
) -> None:
    """Raise AuthorError with every fault."""
    faults = [
        *_no_text("base_url", base_url),
        *(_no_text("api_key", api_key) or _no_key(api_key)),
        *(fault for name, value in (headers or {}).items() for fault in _no_text(f"headers: {name}", value)),
        *_unknown("driver", driver, DRIVERS),
        *_unknown("dialect", dialect, DIALECTS),
        *_unknown("finish_reason", finish_reason, get_args(FinishReason)),
        *_unknown("max_tokens_field", max_tokens_field, MAX_TOKENS_FIELDS),
        *(_unknown("quota", quota, [FROM_HEADERS, "a list of Limit"]) if isinstance(quota, str) else ()),
        *_unknown("breaker_scope", breaker_scope, (Scope.MODEL, Scope.ENDPOINT, Scope.ALL)),
        *_no_timeouts(attempt_timeouts),
        *_not_positive("deadline_s", deadline_s),
    ]
    if faults:
        raise AuthorError(faults)


def _no_text(name: str, value: Any) -> list[Fault]:
    """Find a value that is not text, such as the None that `os.environ.get` returns for an unset variable."""
    if value is None:
        return [Fault("expected text, got None: is the environment variable set that it comes from?", name)]
    return [] if isinstance(value, str) else [Fault(f"expected text, got {type(value).__name__}", name)]


def _no_key(api_key: str) -> list[Fault]:
    wrong = unfit_key(api_key)
    return [] if wrong is None else [Fault(wrong, "api_key")]


def _unknown(name: str, value: str, known: Iterable[str]) -> Iterator[Fault]:
    known = list(known)
    if value not in known:
        yield Fault(f"expected {' or '.join(known)}, got {value!r}", name)


def _no_timeouts(value: Any) -> Iterator[Fault]:
    if isinstance(value, Timeouts):
        for name, number in asdict(value).items():
            yield from _not_positive(f"attempt_timeouts: {name}", number)
    else:
        yield Fault(
            f"expected Timeouts of one attempt, such as Timeouts(total_s=30), got {value!r}; deadline_s bounds a call",
            "attempt_timeouts",
        )


def _not_positive(name: str, value: Any) -> Iterator[Fault]:
    if value is None:
        return
    if not isinstance(value, int | float):
        yield Fault(f"expected seconds as a number, or None for no end, got {value!r}", name)
    elif value <= 0:
        yield Fault(f"expected above 0, or None for no end, got {value:g}", name)
