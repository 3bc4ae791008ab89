"""What a master or a lone process says of a run that is over, and its exit code."""

import logging
import sys

from relayload.core.exit_codes import ExitCode
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.options import OWN_MESSAGE
from relayload.report.screen import Screen

_LOG = logging.getLogger("relayload")


def log_verdict(run: Controller) -> None:
    """Log the verdict with every reason, since the page shows the log and no table of ours."""
    from relayload.report.verdict_lines import verdict_lines  # not before the first request

    if run.verdict is not None:
        level = logging.WARNING if run.verdict.exit_code else logging.INFO
        for line in verdict_lines(run.verdict):
            _LOG.log(level, "%s", line)
        _LOG.info("recorded in %s", run.run_dir)


def exit_code_of(run: Controller) -> int:
    """Return the exit code of a run that no signal ended."""
    if run.verdict is None or run.crash:
        return ExitCode.CRASH
    return run.verdict.exit_code


def print_results(run: Controller, *, launched: bool, json: bool) -> None:
    """Print a crash and our report, unless the launcher prints it; `json` leaves stdout to Locust."""
    if run.crash:
        sys.stderr.write(f"{OWN_MESSAGE}a part of this run failed: {run.crash}\n")
    if run.summary is not None and run.verdict is not None and not launched:
        from relayload.report.text import render_run  # not before the first request

        out = sys.stderr if json else sys.stdout
        out.write(f"\n{render_run(run.summary, run.info, run.verdict, Screen.of(out))}")


def print_last_words(run: Controller, signal: str) -> None:
    """Print what becomes of a run that is not waited for any more."""
    judged = f"relayload gate {run.run_dir} judges what was recorded until then"
    sys.stderr.write(f"{OWN_MESSAGE}a third signal, {signal}, ended the run at once: {judged}\n")
    sys.stderr.flush()
