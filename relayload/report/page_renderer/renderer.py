"""Turns what was told of a run into its page."""

import gzip
import logging
from collections.abc import Sequence

import msgspec

from relayload import clock
from relayload.core.model.snapshot import Snapshot
from relayload.core.objectives.grammar import objective_of
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.run_so_far import RunSoFar
from relayload.core.objectives.scenario_tags import on_scenarios
from relayload.core.objectives.snapshots import MergedSnapshot
from relayload.core.objectives.so_far import judge_so_far
from relayload.core.resilience.guard import Caps
from relayload.report.html.live_page import LivePage, render_live_page
from relayload.report.html.page import RunPage
from relayload.report.html.run_page_so_far import page_so_far
from relayload.report.page_renderer.messages import Answer, Began, Ended, Failed, Look, Message, Rendered, Told

_LOG = logging.getLogger("relayload")
_LEVEL = 4
"""The level of gzip: a page becomes a tenth of its size, in some milliseconds."""
_SNAPSHOTS = msgspec.msgpack.Decoder(Snapshot)


class Renderer:
    """What is known of the latest run."""

    def __init__(self) -> None:
        self._began: Began | None = None
        self._ended: Ended | None = None
        self._objectives: Sequence[Objective] = ()
        self._merged: MergedSnapshot | None = None
        self._failure: str | None = None
        """Why the latest run can't be shown."""

    def take(self, message: Message) -> Answer | None:
        """Take in a message; return the answer to one that asks for it."""
        if isinstance(message, Look):
            return self._answer(message)
        try:
            self._learn(message)
        except Exception as error:
            _LOG.exception("the page of the run can't be rendered")
            self._failure = repr(error)
        return None

    def _learn(self, message: Began | Told | Ended) -> None:
        if isinstance(message, Began):
            self._began, self._ended, self._failure = message, None, None
            self._objectives = [on_scenarios(objective_of(asked), message.run.tags) for asked in message.run.objectives]
            self._merged = MergedSnapshot(self._objectives, message.run)
        elif isinstance(message, Ended):
            self._ended, self._merged = message, None
        elif self._merged is not None:
            self._merged.replace(_SNAPSHOTS.decode(message.snapshot))

    def _answer(self, look: Look) -> Answer:
        began_s = clock.cpu_s()
        if self._failure is not None:
            return Failed(self._failure)
        try:
            page = render_live_page(self._live_page(look))
        except Exception as error:
            _LOG.exception("the page of the run can't be rendered")
            return Failed(repr(error))
        whole, sections = (gzip.compress(text.encode(), _LEVEL, mtime=0) for text in (page.whole, page.sections))
        return Rendered(whole, sections, clock.cpu_s() - began_s)

    def _live_page(self, look: Look) -> LivePage:
        return LivePage(
            name=look.name,
            target=look.target,
            notices=look.notices,
            run=self._run_page(look),
            progress=None if self._ended else look.progress,
            caps=self._began.caps if self._began else Caps(),
            ending=look.ending,
            files=look.files,
        )

    def _run_page(self, look: Look) -> RunPage | None:
        if self._began is None:
            return None
        if self._ended is not None:
            ended = self._ended
            return RunPage(ended.summary, ended.verdict, ended.run, ended.charts, self._began.profile)
        if self._merged is None or look.progress is None:
            return None
        now_s = look.progress.elapsed_s
        results = [judge_so_far(objective, self._merged, now_s) for objective in self._objectives]
        run = RunSoFar(merged=self._merged, progress=look.progress, objectives=results)
        return page_so_far(run, self._objectives, self._began.profile)
