"""Shows a run in progress: one screen on a terminal, a plain line now and then elsewhere."""

from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from relayload.core.model.progress import Details, Progress
from relayload.core.model.run import AT_BEST
from relayload.core.printable import one_line
from relayload.report.live_rates import TotalsLately
from relayload.report.live_screen import failures, fitted, objective_tally, screen_lines, totals, when

_PLAIN_EVERY_S = 5.0


class LiveDisplay:
    """Shows progress on stderr between enter and exit."""

    def __init__(self, name: str, console: Console | None = None) -> None:
        self._name = name
        self._console = console or Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._draws = self._console.file.isatty() and not self._console.is_dumb_terminal
        """Not where colours are merely forced, as in a log of CI."""
        self._live = Live(console=self._console, transient=True, auto_refresh=False, vertical_overflow="crop")
        self._late_rates = TotalsLately()
        self._next_plain_at_s = 0.0
        self._begun = self._stopped = False

    def __enter__(self) -> "LiveDisplay":
        if self._draws:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Show nothing more."""
        if self._draws:
            self._live.stop()
        self._stopped = True

    def say(self, *lines: str) -> None:
        """Print lines that stay, above the screen."""
        for line in lines:
            self._console.print(one_line(line), soft_wrap=True)

    def show(self, progress: Progress | None) -> None:
        """Draw the latest totals; None while the run is being set up, and after its load has ended."""
        if self._stopped:
            return
        if self._draws:
            self._live.update(self._waiting() if progress is None else self._picture(progress), refresh=True)
            self._begun = self._begun or progress is not None
        elif progress is not None and progress.elapsed_s >= self._next_plain_at_s:
            self._next_plain_at_s = progress.elapsed_s + _PLAIN_EVERY_S
            self._console.print(_plain(self._name, progress), soft_wrap=True)

    def _waiting(self) -> Text:
        return Text(f"{one_line(self._name)}: {'adding up' if self._begun else 'starting'}")

    def _picture(self, progress: Progress) -> Group:
        rates, (width, height) = self._late_rates.rates(progress), self._console.size
        return Group(*fitted(screen_lines(self._name, progress, rates, width), height - 1))


def _plain(name: str, progress: Progress) -> str:
    """Return the totals, the failures and how objectives stand in one line."""
    details = progress.details or Details()
    invalid = "would be INVALID" if details.would_be_invalid else ""
    at_best = AT_BEST if progress.changes else ""
    parts = [f"{when(progress)} · {totals(progress)}", failures(details), invalid, at_best, objective_tally(details)]
    return f"{one_line(name)}: {' · '.join(filter(None, parts))}"
