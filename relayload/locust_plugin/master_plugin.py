"""The master's side of Locust's life cycle: what happens when a test starts, stops and quits."""

from locust.env import Environment
from locust.runners import STATE_INIT, STATE_STOPPED, LocalRunner, MasterRunner

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.model.run import LAUNCHER
from relayload.ending_signals import no_wait_hint
from relayload.locust_plugin.choices import Choice
from relayload.locust_plugin.controller import Controller
from relayload.locust_plugin.early import Answer
from relayload.locust_plugin.exporters import Exporters
from relayload.locust_plugin.locust_options import expect_workers, users_of, want_users, warn_if_none_can_join
from relayload.locust_plugin.nodes import options_of, runner_of
from relayload.locust_plugin.options import OWN_MESSAGE, Options
from relayload.locust_plugin.ordered_runs import OrderedRuns
from relayload.locust_plugin.redistribution import redistribute_users_aside
from relayload.locust_plugin.run_results import exit_code_of, log_verdict, print_last_words, print_results
from relayload.locust_plugin.run_targets import RunTargets
from relayload.locust_plugin.signals import Interruption
from relayload.locust_plugin.steps import steps
from relayload.locust_plugin.waiting_master import wait_on_when_workers_quit
from relayload.locust_plugin.worker_messages import WorkerMessages
from relayload.profile import Profile
from relayload.profile.loads import ClosedLoad
from relayload.transport.http_log import HttpLog
from relayload.transport.probe_client import TargetUnreachable

if TYPE_CHECKING:
    from relayload.locust_plugin.live_page import LivePages

_LOG = logging.getLogger("relayload")
_LAUNCHER_POLL_S = 0.5


class MasterPlugin:
    """One run after another, each ended in order."""

    def __init__(
        self, environment: Environment, profile: Profile, options: Options, http_log: HttpLog | None = None
    ) -> None:
        self._environment = environment
        self._runner = runner_of(environment)
        self._locust_options = options_of(environment)
        self._profile = profile
        self._options = options
        self._messages = WorkerMessages(self._runner, profile, lambda: self.run, self._tell_page)
        self._targets = RunTargets(profile, options, http_log)
        self._choice: Choice | None = None
        """What the next run is, if somebody has chosen it."""
        self.run: Controller | None = None
        """The current or latest run."""
        self.pages: LivePages | None = None
        """What shows the runs on the web page, if there is one."""
        self._refusal: str | None = None
        self._ended_by = "stop"
        self._finishing = BoundedSemaphore()
        self._quitting = False
        self._recorded = 0
        """How many runs have begun."""
        self._carrying_out = False
        """The runs that are ordered are being carried out."""
        self._first: Controller | None = None
        self._stayed = False
        """A signal came when nothing but the page was left: the verdict stands."""
        self._exporters = Exporters(
            lambda: self.run,
            profile,
            options.exports,
            otel=getattr(self._locust_options, "otel", False),
            launched=bool(options.launcher_pid),
        )
        self._interruption = Interruption(self._begun, self._end, self._skip_grace, self._last_words)

    def listen(self) -> None:
        """Manage runs from now on. Exits with code 6 if a headless run can't reach its target."""
        events = self._environment.events
        events.test_start.add_listener(self._on_test_start)
        events.test_stopping.add_listener(self._on_test_stopping)
        events.test_stop.add_listener(self._on_test_stop)
        events.quitting.add_listener(self._on_quitting)
        events.quit.add_listener(self._on_quit)
        self._messages.listen()
        if isinstance(self._runner, MasterRunner):
            redistribute_users_aside(self._runner, closed=isinstance(self._profile.load, ClosedLoad))
            wait_on_when_workers_quit(self._runner)
        self._exporters.begin()
        want_users(self._locust_options, self._profile, launched=bool(self._options.launcher_pid))
        expect_workers(self._locust_options, self._runner, self._options)
        warn_if_none_can_join(self._locust_options, self._runner)
        for caution in () if self._options.launcher_pid else self._profile.cautions:
            _LOG.warning("%s", caution)
        for step in steps(self._profile):
            _LOG.info("%s", step)
        if self._headless or self._options.launcher_pid:
            self._check_targets_or_leave()
        if self._options.launcher_pid:
            gevent.spawn(self._leave_with_launcher)

    @property
    def trouble(self) -> str | None:
        """Why there is no run, or what failed in it."""
        crash = self.run.crash if self.run else None
        return self._refusal or (f"a part of this run failed: {crash}" if crash else None)

    @property
    def _headless(self) -> bool:
        return bool(self._locust_options.headless)

    @property
    def _orphaned(self) -> bool:
        """The launcher has died, and with it the fake relays that it had started."""
        return self._options.launcher_pid not in (None, os.getppid())

    @property
    def _ends_itself(self) -> bool:
        """True if Locust quits at the end of the run."""
        options = self._locust_options
        return self._headless or bool(options.autostart and options.autoquit != -1)

    @property
    def only_run(self) -> str | None:
        """Why no run can be started after this one, and what to do about it; None if one can."""
        if not self._ends_itself:
            return None
        if self._options.launcher_pid:
            return "the page ends with its run, and starts no other: --web-stay keeps it"
        return "Locust quits after this run and starts no other: leave out --autoquit"

    def _begun(self) -> bool:
        """Return whether Locust handles signals by now. It serves its page from then on, and not before."""
        if self._headless:
            return self._runner.state != STATE_INIT
        page = self._environment.web_ui
        return page is None or page.server is not None

    def _check_targets_or_leave(self) -> None:
        try:
            self._targets.check()
        except TargetUnreachable as error:
            sys.stderr.write(f"{OWN_MESSAGE}{error}\n")
            self._targets.stop()
            raise SystemExit(ExitCode.UNREACHABLE) from None

    def start(self, choice: Choice) -> None:
        """Start a run of what somebody has chosen. Raises AuthorError if it can't be."""
        self.check_idle()
        away = self._messages.other_hosts
        if choice.file is not None and away:
            raise AuthorError(
                [Fault(f"workers on {', '.join(away)} can't read this folder: start Locust anew with it")]
            )
        self._choice = choice
        users = users_of(choice.effective)
        gevent.spawn(self._start, choice, users, min(users, self._locust_options.spawn_rate))

    def check_idle(self) -> None:
        """Raise AuthorError if no run can be started now."""
        if self.only_run is not None:
            raise AuthorError([Fault(self.only_run)])
        if self._runner.state not in (STATE_INIT, STATE_STOPPED) or self._choice is not None:
            raise AuthorError([Fault("a test is running: stop it first")])
        if isinstance(self._runner, MasterRunner) and not self._runner.worker_count:
            raise AuthorError([Fault("no worker has connected yet")])

    def _start(self, choice: Choice, users: int, spawn_rate: float) -> None:
        try:
            self._runner.start(users, spawn_rate)
            if isinstance(self._runner, LocalRunner) and self._runner.spawning_greenlet:
                self._runner.spawning_greenlet.join()  # in which it begins
        finally:
            if self._choice is choice:  # without workers Locust starts nothing
                self._choice = None

    def _on_test_start(self, **_: Any) -> None:
        if self._options.ordered is None:
            choice, self._choice = self._choice or Choice(self._profile), None
            self._begin(self._next_out(), self._on_done, choice)
        elif not self._carrying_out:  # Locust that took all workers for gone, and quits, starts once more if asked
            self._carrying_out = True
            gevent.spawn(self._carry_out, self._options.ordered)

    def _next_out(self) -> Path | None:
        """Return the directory that was asked for, and for runs after the first one beside it."""
        out = self._options.out
        return out if out is None or not self._recorded else out.with_name(f"{out.name}-{self._recorded + 1}")

    def _carry_out(self, ordered: OrderedRuns) -> None:
        """Carry out the runs that are ordered, within one test of Locust's, and quit after the last or a failure."""
        ordered.tell(Answer())
        for order in ordered:
            done = Event()
            if not self._begin(Path(order.run_dir), done.set, Choice(self._profile, overrides=tuple(order.sets))):
                return
            assert self.run is not None, "has begun"
            done.wait()
            self.run.drain()
            self._finish("workers" if self.run.deserted else "schedule")
            if self.run.verdict is None or self.run.crash or self.run.deserted or self._interruption.signal:
                break
            ordered.tell(Answer(self.run.verdict.exit_code))
        self._stop_test()

    def _change_users(self, profile: Profile) -> None:
        """Have as many users as a run wants: more of them come while it begins, fewer must be left before."""
        want_users(self._locust_options, profile, launched=bool(self._options.launcher_pid))
        options, now = self._locust_options, self._runner.target_user_count
        if options.num_users == now:
            return
        spawning = gevent.spawn(self._runner.start, options.num_users, max(options.spawn_rate, now))
        if options.num_users < now:
            spawning.join()

    def _begin(self, out: Path | None, done: Callable[[], None], choice: Choice) -> bool:
        """Begin a run; return whether there is one."""
        self._ended_by = "stop"
        self.run = self._refusal = None
        try:
            base_urls = self._targets.base_urls(choice)
            if choice.overrides and self._options.ordered:
                self._change_users(choice.effective)
            self.run = Controller(self._environment, choice, out, base_urls)
        except TargetUnreachable as error:
            self._refuse(error, ExitCode.UNREACHABLE)
        except AuthorError as error:
            self._refuse(error, ExitCode.BAD_INPUT)
        except Exception as error:  # ours: Locust would log it, and go on without a run for ever
            self._refuse(error, ExitCode.CRASH)
            raise
        else:
            self._recorded += 1
            self._first = self._first or self.run
            if self.pages is not None:
                self.pages.began(self.run)
            self.run.begin(done)
        return self.run is not None

    def _refuse(self, error: Exception, code: int) -> None:
        """Report why there is no run, and quit or wait for another start."""
        self._refusal = str(error)
        sys.stderr.write(f"{OWN_MESSAGE}{error}\n")
        if not self._headless:
            _LOG.error("%s", error)  # the page shows the log alone
        self._environment.process_exit_code = code
        gevent.spawn(self._stop_test)

    def _tell_page(self, snapshot: bytes) -> None:
        if self.pages is not None:
            self.pages.told(snapshot)

    def _on_done(self) -> None:
        self._ended_by = "workers" if self.run is not None and self.run.deserted else "schedule"
        gevent.spawn(self._stop_test)

    def _stop_test(self) -> None:
        """End as Locust's own --run-time does: a headless run quits; the web page stays, unless --autoquit is set."""
        options = self._locust_options
        if options.headless:
            self._runner.quit()
            return
        self._runner.stop()
        if self._ends_itself:
            gevent.sleep(options.autoquit)
            self._quit()
        elif self._options.launcher_pid and self.run is not None:
            _LOG.info("page stays until Ctrl-C")

    def _quit(self) -> None:
        self._runner.quit()
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()

    def _on_test_stopping(self, **_: Any) -> None:
        if self.run is not None:
            self.run.drain()

    def _on_test_stop(self, **_: Any) -> None:
        deserted = isinstance(self._runner, MasterRunner) and self._runner.worker_count <= 0
        self._finish("workers" if deserted and self._ended_by == "stop" else self._ended_by)
        if self._ends_itself and self._interruption.signal is None:
            self._exporters.linger()
        if deserted and self._ends_itself:
            gevent.spawn(self._quit)  # Locust stops then, and stays

    def _finish(self, ended_by: str) -> None:
        """Judge the run, once, whoever sees its end first."""
        with self._finishing:
            if self.run is not None and not self.run.finished:
                signal = self._interruption.signal
                by = LAUNCHER if self._orphaned else ended_by
                self.run.finish(signal.name.lower() if signal else by)
                if self.pages is not None:
                    self.pages.ended(self.run)
                log_verdict(self.run)
                interrupted = signal is not None
                self._exporters.finish(self.run, interrupted=interrupted, wait=self._headless or interrupted)

    def _on_quitting(self, **_: Any) -> None:
        """Set the exit code, which Locust reads right after this, whether or not users still run.

        Locust shuts down once more for each SIGTERM: whoever comes second waits for the first to exit.
        """
        if self._quitting:
            Event().wait()
        self._quitting = True
        if isinstance(self._runner, MasterRunner):
            self._runner.stop(send_stop_to_client=False)
        else:
            self._runner.stop()
        self._targets.stop()
        self._exporters.close()
        self._environment.process_exit_code = self._exit_code()

    def _exit_code(self) -> int:
        if self._interruption.exit_code is not None and not self._stayed:
            return self._interruption.exit_code
        run = self._first if self._stayed else self.run
        if run is None:
            given: int | None = self._environment.process_exit_code
            return ExitCode.CRASH if self._headless and given is None else given or 0
        return exit_code_of(run)

    def _on_quit(self, **_: Any) -> None:
        """Print our report after Locust's own tables, unless the launcher prints it."""
        if self.pages is not None:
            self.pages.end()
        if self.run is not None:
            launched, json = bool(self._options.launcher_pid), bool(self._locust_options.json)
            print_results(self.run, launched=launched, json=json)

    def _end(self) -> None:
        over = self.run is not None and self.run.finished
        self._stayed = over and bool(self._options.launcher_pid) and not self._headless
        if self.run is not None and not self._stayed:
            self.run.end(no_wait_hint(self._interruption.exit_code))

    def _skip_grace(self) -> None:
        if self.run is not None:
            self.run.skip_grace()

    def _last_words(self, signal: str) -> None:
        if self.run is not None:
            print_last_words(self.run, signal)

    def _leave_with_launcher(self) -> None:
        while not self._orphaned:
            gevent.sleep(_LAUNCHER_POLL_S)
        _LOG.error("the relayload process that started this run is gone: ending the run")
        if self._begun():
            self._runner.quit()
        else:  # Locust waits for its workers, and would go on doing so
            self._targets.stop()
            os._exit(ExitCode.CRASH)
