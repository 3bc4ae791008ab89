"""The page of the latest run as it is served: rendered elsewhere, once for all, and only while somebody looks."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gevent.lock import BoundedSemaphore
from msgspec import Raw

from relayload import clock
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.helper_process import HelperProcess
from relayload.recording.run_page import kept_profile
from relayload.report.page_renderer.messages import (
    Answer,
    Began,
    Ended,
    Failed,
    Look,
    Rendered,
    Told,
    answer_of,
    encoded,
)

_LOG = logging.getLogger("relayload")
_GONE = "the process that renders this page has ended; the run goes on, and the next one has its page again"
_ANSWERS_WITHIN_S = 60.0
_LEAST_S = 1.0
_SHARE = 0.1
"""The most of a core that rendering takes."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A page that has been rendered."""

    whole: bytes
    """Compressed by gzip, as the sections are."""
    sections: bytes
    tag: str
    """It differs where the sections do."""


class LivePages:
    """Tells the renderer of each run, and keeps the latest page."""

    def __init__(self, look: Callable[[], Look]) -> None:
        """`look` returns what the page shows besides what was told."""
        self._look = look
        self._renderer = _renderer()
        self._rendering = BoundedSemaphore()
        self._shown: Shown | None = None
        self._seen: tuple[int, Look] | None = None
        """What the latest page was made of."""
        self._runs = 0
        """Counts what began and ended."""
        self._next_at_s = 0.0
        self._acts = 0
        """Counts what was done by those who look."""
        self._shown_acts = 0
        """How many of them the latest page shows."""

    @property
    def pid(self) -> int:
        """The process that renders."""
        return self._renderer.pid

    def began(self, run: Controller) -> None:
        """Show this run from now on."""
        self._runs += 1
        if self._renderer.ended:
            self._renderer = _renderer()
        self._renderer.tell(encoded(Began(run.info, kept_profile(run.run_dir), run.caps)))

    def told(self, snapshot: bytes) -> None:
        """Take in a snapshot, as it came."""
        self._renderer.tell(encoded(Told(Raw(snapshot))))

    def ended(self, run: Controller) -> None:
        """Show the verdict."""
        self._runs += 1
        if run.summary is not None and run.verdict is not None:
            self._renderer.tell(encoded(Ended(run.info, run.summary, run.verdict, run.charts)))

    def renew(self) -> None:
        """Show what has just been done by whoever looks, without waiting."""
        self._acts += 1

    def page(self) -> Shown | Failed:
        """Return the page as it is now, or was shortly before."""
        if self._renderer.ended:
            self._shown = None
        if self._shown is not None and self._is_current and (self._recent or self._rendering.locked()):
            return self._shown
        with self._rendering:
            if self._shown is not None and self._is_current and self._recent:
                return self._shown
            return self._renewed()

    def end(self) -> None:
        """End the renderer."""
        self._renderer.end()

    @property
    def _is_current(self) -> bool:
        return self._shown_acts == self._acts

    @property
    def _recent(self) -> bool:
        return clock.now_s() < self._next_at_s

    def _renewed(self) -> Shown | Failed:
        acts, seen = self._acts, (self._runs, self._look())  # what is done from here on takes another page
        if self._shown is not None and seen == self._seen:
            self._shown_acts = acts
            return self._shown
        told = self._renderer.answer(encoded(seen[1]), _ANSWERS_WITHIN_S)
        answer: Answer = Failed(_GONE) if told is None else answer_of(told)
        if isinstance(answer, Failed):
            self._shown = None
            return answer
        self._seen, self._shown_acts = seen, acts
        self._shown = _shown(answer)
        self._next_at_s = clock.now_s() + max(_LEAST_S, answer.cpu_s / _SHARE)
        return self._shown


def _renderer() -> HelperProcess:
    gone = "the process that renders the page has ended; the run goes on without the page"
    return HelperProcess("relayload.report.page_renderer", partial(_LOG.warning, gone))


def _shown(rendered: Rendered) -> Shown:
    tag = hashlib.blake2b(rendered.sections, digest_size=12).hexdigest()
    return Shown(rendered.whole, rendered.sections, tag)
