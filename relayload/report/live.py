"""Shows a run in progress: a bar and a line of totals on a terminal, a plain line now and then elsewhere."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from relayload.core.model.progress import Progress
from relayload.core.printable import one_line
from relayload.core.units import format_duration
from relayload.report.fitting_table import packed

_PLAIN_EVERY_S = 10.0
_BAR_WIDTH = 40


class LiveDisplay:
    """Shows progress on stderr between enter and exit."""

    def __init__(self, name: str, console: Console | None = None) -> None:
        self._name = name
        self._console = console or Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._draws = self._console.file.isatty() and not self._console.is_dumb_terminal
        """Not where colours are merely forced, as in a log of CI."""
        self._live = Live(console=self._console, transient=True, auto_refresh=False)
        self._next_plain_at_s = 0.0
        self._begun = False

    def __enter__(self) -> "LiveDisplay":
        if self._draws:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._draws:
            self._live.stop()

    def say(self, *lines: str) -> None:
        """Print lines that stay, above the bar."""
        for line in lines:
            self._console.print(one_line(line), soft_wrap=True)

    def show(self, progress: Progress | None) -> None:
        """Draw the latest totals; None while the run is being set up, and after its load has ended."""
        if self._draws:
            self._live.update(self._waiting() if progress is None else self._picture(progress), refresh=True)
            self._begun = self._begun or progress is not None
        elif progress is not None and progress.elapsed_s >= self._next_plain_at_s:
            self._next_plain_at_s = progress.elapsed_s + _PLAIN_EVERY_S
            self._console.print(f"{self._name}: {_when(progress)} · {totals(progress)}", soft_wrap=True)

    def _waiting(self) -> Text:
        return Text(f"{self._name}: {'adding up' if self._begun else 'starting'}")

    def _picture(self, progress: Progress) -> Group:
        total, completed = progress.total_s, progress.elapsed_s
        if progress.requests is not None:
            total, completed = progress.requests, _ended(progress)
        head = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=total, completed=completed, width=_BAR_WIDTH)
        head.add_row(Text(f"{self._name} · {progress.stage}", style="bold"), bar, _when(progress))
        width = self._console.width
        return Group(head, *(Text(packed(line, width)) for line in (totals(progress), _latencies(progress))))


def totals(progress: Progress) -> str:
    """Return the counts on one line, with drops and failures only if there are any."""
    if progress.requests is not None:
        return _queue(progress, progress.requests)
    parts = [f"offered {progress.offered}", f"in flight {progress.in_flight}", f"ok {progress.ok}"]
    parts += [f"failed {progress.failed}"] if progress.failed else []
    parts += [f"dropped {progress.dropped}"] if progress.dropped else []
    return " · ".join(parts)


def _queue(progress: Progress, requests: int) -> str:
    """Return how many requests of a batch are in each state, which add up to all."""
    ended = _ended(progress)
    parts = [("queued", requests - progress.started), ("running", progress.in_flight)]
    parts += [("done", ended - progress.failed), ("failed", progress.failed)]
    return f"{ended} of {requests} · " + " · ".join(f"{name} {count}" for name, count in parts)


def _ended(progress: Progress) -> int:
    return progress.started - progress.in_flight


def _when(progress: Progress) -> str:
    total = "" if progress.total_s is None else f"/{format_duration(progress.total_s)}"
    return f"{progress.elapsed_s:.0f}s{total}"


def _latencies(progress: Progress) -> str:
    return (
        f"TTFT p50 {_or_dash(progress.ttft_p50_s)} p99 {_or_dash(progress.ttft_p99_s)}"
        f" · latency p50 {_or_dash(progress.latency_p50_s)} p99 {_or_dash(progress.latency_p99_s)}"
    )


def _or_dash(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration(seconds)
