"""What all dialects are made of: an error as status, headers and body, and hints when to come back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from msgspec.json import encode

from relayload.fakerelay.limits import Metric, Standing
from relayload.fakerelay.refusals import Occurrence, Reason, Refusal
from relayload.fakerelay.schema import Part

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
"""Of refusals that are the client's fault, where a dialect has no other."""


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """A response that is not an answer; `headers` are whole lines."""

    status: int
    headers: bytes
    body: bytes


class Hints(Part):
    """Which headers tell a client when to come back; None is what the dialect's own relay does."""

    retry_after: bool | None = None
    retry_after_ms: bool | None = None
    ratelimit: bool | None = None
    """`x-ratelimit-*`, on every answer."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one relay words what it has to say besides answers."""

    error_answer: Callable[[Refusal, Occurrence], ErrorAnswer]
    """Without the headers of `hints`."""
    error_event: Mapping[str, Any]
    """What broke in mid-stream, as the data of an event."""
    hints: Hints
    """What this relay sends by itself."""


def json_error(status: int, body: dict[str, Any], headers: bytes = b"") -> ErrorAnswer:
    """An error with a JSON body."""
    return ErrorAnswer(status, JSON + headers, encode(body))


def used(standing: Standing) -> int:
    """How much of a limit is taken."""
    return standing.limit - max(0, standing.remaining)


def hint_headers(hints: Hints, standings: Iterable[Standing], refused_by: Standing | None = None) -> bytes:
    """The headers of `hints`, in the names OpenAI gave them."""
    lines = []
    if refused_by is not None and refused_by.wait_s is not None:
        if hints.retry_after:
            lines.append(b"retry-after: %d\r\n" % ceil(refused_by.wait_s))
        if hints.retry_after_ms:
            lines.append(b"retry-after-ms: %d\r\n" % ceil(refused_by.wait_s * 1e3))
    if hints.ratelimit:
        lines += [_ratelimit_lines(standing) for standing in _tightest(standings)]
    return b"".join(lines)


def _tightest(standings: Iterable[Standing]) -> list[Standing]:
    """One for requests and one for tokens: clients are told of the limit they are nearest to."""
    found: dict[Metric, Standing] = {}
    for standing in standings:
        known = found.get(standing.metric)
        if known is None or standing.remaining < known.remaining:
            found[standing.metric] = standing
    return [standing for metric, standing in found.items() if metric is not Metric.CONCURRENT]


def _ratelimit_lines(standing: Standing) -> bytes:
    name = standing.metric.value
    return (
        f"x-ratelimit-limit-{name}: {standing.limit}\r\n"
        f"x-ratelimit-remaining-{name}: {max(0, standing.remaining)}\r\n"
        f"x-ratelimit-reset-{name}: {go_duration(standing.reset_s)}\r\n"
    ).encode()


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, and so OpenAI in `x-ratelimit-reset-*`: `120ms`, `1.5s`, `6m0s`, `1h0m0s`."""
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


def html_page(status: int, phrase: str, server: str) -> bytes:
    """The page that proxies of the nginx family send for an error of their own."""
    title = f"{status} {phrase}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        f"<hr><center>{server}</center>\r\n</body>\r\n</html>\r\n"
    )
    return page.encode()
