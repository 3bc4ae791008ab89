"""Recordings of a reference: made of its answers, and read before anything is compared with them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from relayload import __version__
from relayload.core.audit.questions import questions_sha256
from relayload.core.audit.reference import ReferenceAnswers, open_answers
from relayload.core.errors import AuthorError, Fault
from relayload.core.model.audited import Audited
from relayload.core.printable import one_line
from relayload.core.units import duration_s
from relayload.recording.kept_reference import read_reference

TEMPERATURE = 1.0
"""At which the open questions are asked."""
_DAYS = re.compile(r"(\d+)\s*d")
_DAY_S = 86400.0


def recording_of(answers: Iterable[Audited], base_url: str, model: str, now: datetime) -> ReferenceAnswers:
    """Return the recording of what a target answered."""
    return ReferenceAnswers(
        made_at=now.isoformat(timespec="seconds"),
        base_url=without_credentials(base_url),
        model=model,
        temperature=TEMPERATURE,
        questions_sha256=questions_sha256(),
        relayload=__version__,
        answers=open_answers(answers),
    )


def without_credentials(base_url: str) -> str:
    """Return a base URL without user, password and query, which may hold a key."""
    parts = urlsplit(base_url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def usable(file: Path, max_age: str, now: datetime, option: str) -> ReferenceAnswers:
    """Read a recording that `option` names.

    Raises AuthorError for one of other questions, of another temperature, or from too long ago.
    """
    recorded = _read(file, option)
    for message in (*_unlike(recorded), *_too_old(recorded, max_age, now)):
        raise AuthorError([Fault(f"{message}: record it anew with --record", path=option, file=str(file))])
    return recorded


def _read(file: Path, option: str) -> ReferenceAnswers:
    try:
        return read_reference(file)
    except AuthorError as error:
        raise AuthorError([replace(fault, path=option) for fault in error.faults]) from None


def _unlike(recorded: ReferenceAnswers) -> Iterator[str]:
    if not recorded.fits:
        yield f"holds answers to other questions, those of relayload {one_line(recorded.relayload, 20)}"
    if recorded.temperature != TEMPERATURE:
        yield f"was recorded at temperature {recorded.temperature}, not {TEMPERATURE:g}"
    if not recorded.answers:
        yield "holds no answers"


def _too_old(recorded: ReferenceAnswers, max_age: str, now: datetime) -> Iterator[str]:
    try:
        made_at = datetime.fromisoformat(recorded.made_at)
    except ValueError:
        yield f"made_at: expected an instant, got '{one_line(recorded.made_at, 40)}'"
        return
    age = now - (made_at if made_at.tzinfo else made_at.replace(tzinfo=UTC))
    if age > timedelta(seconds=age_s(max_age)):
        yield f"was made {age / timedelta(days=1):,.1f} days ago, and --max-age is {max_age}"


def age_s(text: str) -> float:
    """Return the seconds of an age such as `30d` or `12h`. Raises AuthorError."""
    days = _DAYS.fullmatch(text.strip())
    try:
        seconds = float(days[1]) * _DAY_S if days else duration_s(text)
    except ValueError:
        raise AuthorError([Fault(f"expected an age such as 30d or 12h, got '{text}'", path="--max-age")]) from None
    if not 0 < seconds < _MOST_S:
        raise AuthorError([Fault(f"expected an age above 0 and up to 10 years, got '{text}'", path="--max-age")])
    return seconds


_MOST_S = 3653 * _DAY_S
