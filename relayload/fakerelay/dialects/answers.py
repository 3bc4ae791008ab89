"""The building blocks of all dialects: errors as status, headers and body, and hints when to retry."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from msgspec.json import encode

from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal
from relayload.fakerelay.schema import PresetPart

JSON = b"content-type: application/json\r\n"
HTML = b"content-type: text/html\r\n"
TEXT = b"content-type: text/plain; charset=utf-8\r\n"
STATUSES = {
    Reason.BAD_JSON: 400,
    Reason.BAD_VALUE: 400,
    Reason.TOO_LARGE: 413,
    Reason.WRONG_KEY: 401,
    Reason.UNKNOWN_MODEL: 404,
    Reason.UNKNOWN_PATH: 404,
    Reason.NOT_FOUND: 404,
    Reason.WRONG_METHOD: 405,
}
"""The default statuses of refusals that are the client's fault."""


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """An error response. `headers` are whole lines."""

    status: int
    headers: bytes
    body: bytes


class Hints(PresetPart):
    """Which headers tell a client when to retry; None means as the imitated relay does."""

    retry_after: bool | None = None
    retry_after_ms: bool | None = None
    ratelimit: bool | None = None
    """Whether every answer has `x-ratelimit-*` headers."""


def ratelimit_lines(standing: Standing, _wall_s: float) -> bytes:
    """Return the headers of one limit under OpenAI's names."""
    name = standing.metric.value
    return (
        f"x-ratelimit-limit-{name}: {standing.limit}\r\n"
        f"x-ratelimit-remaining-{name}: {max(0, standing.remaining)}\r\n"
        f"x-ratelimit-reset-{name}: {go_duration(standing.reset_s)}\r\n"
    ).encode()


def go_duration(seconds: float) -> str:
    """Format a duration as Go does, and OpenAI in `x-ratelimit-reset-*`: `120ms`, `1.5s`, `6m0s`, `1h0m0s`."""
    milliseconds = ceil(seconds * 1e3 - 1e-6)
    if milliseconds <= 0:
        return "0s"
    if milliseconds < 1_000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1e3:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one relay formats errors and hints."""

    error_answer: Callable[[Refusal, Occurrence], ErrorAnswer]
    """Builds an error response, without the headers of `hints`."""
    error_event: Mapping[str, Any]
    """The data of the event that reports a failure in mid-stream."""
    hints: Hints
    """The hints that this relay sends by default."""
    limit_lines: Callable[[Standing, float], bytes] = ratelimit_lines
    """Renders the headers of one limit, given the seconds since the epoch."""
    request_id_name: bytes = b"x-request-id"
    """The header with the id of a request."""


def json_error(status: int, body: dict[str, Any], headers: bytes = b"") -> ErrorAnswer:
    """Return an error with a JSON body."""
    return ErrorAnswer(status, JSON + headers, encode(body))


def used(standing: Standing) -> int:
    """Return how much of a limit is used."""
    return standing.limit - max(0, standing.remaining)


def hint_headers(
    hints: Hints,
    standings: Iterable[Standing],
    refused_by: Standing | None = None,
    limit_lines: Callable[[Standing, float], bytes] = ratelimit_lines,
    wall_s: float = 0.0,
) -> bytes:
    """Return the headers of `hints`. `limit_lines` renders one limit, and may need the seconds since the epoch."""
    lines = []
    if refused_by is not None and refused_by.wait_s is not None:
        if hints.retry_after:
            lines.append(b"retry-after: %d\r\n" % ceil(refused_by.wait_s))
        if hints.retry_after_ms:
            lines.append(b"retry-after-ms: %d\r\n" % ceil(refused_by.wait_s * 1e3))
    if hints.ratelimit:
        lines += [limit_lines(standing, wall_s) for standing in _tightest(standings)]
    return b"".join(lines)


def _tightest(standings: Iterable[Standing]) -> list[Standing]:
    """Return the nearest limit of requests and that of tokens, which are the ones reported to clients."""
    found: dict[Metric, Standing] = {}
    for standing in standings:
        known = found.get(standing.metric)
        if known is None or standing.remaining < known.remaining:
            found[standing.metric] = standing
    return [standing for metric, standing in found.items() if metric is not Metric.CONCURRENT]


def html_page(status: int, phrase: str, server: str) -> bytes:
    """Return the page that proxies of the nginx family send for their own errors."""
    title = f"{status} {phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        f"<hr><center>{server}</center>\r\n</body>\r\n</html>\r\n"
    )
    return page.encode()
