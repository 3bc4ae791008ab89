"""One short run of the real generator, in a process of its own, against a fake relay in another."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
import yaml

from relayload.core.exit_codes import INTERRUPTIONS, ExitCode
from relayload.core.model.calibration import Spread, Trial
from relayload.core.model.progress import Progress
from relayload.core.model.record import End, Outcome, Record
from relayload.core.units import format_duration
from relayload.fakerelay.process import FakeRelay
from relayload.locust_plugin.early import LOG_NAME
from relayload.locust_plugin.launch import Launch, last_words
from relayload.locust_plugin.launch import run as launch
from relayload.locust_plugin.log_lines import Follower, for_users
from relayload.recording import Recording

KEY = "sk-fake"
TOKENS_PER_S = 100
_STREAM_S = 2.0
"""The length of one stream in seconds; that many seconds' worth of arrivals are open at once."""
_PRESET: dict[str, Any] = {
    "models": {
        "plain": {"ttft": {"any": "1ms"}, "speed": "100000/s", "output_tokens": {"any": 1}},
        "paced": {
            "ttft": {"any": {"p50": "50ms", "p99": "100ms"}},
            "speed": f"{TOKENS_PER_S}/s",
            "output_tokens": {"any": int(_STREAM_S * TOKENS_PER_S)},
        },
    }
}
_NO_LIMIT = 1_000_000
_MOST_ERROR_S = 0.01
"""By how much the p99 of TTFT may be off in a load that counts as measured."""


class CalibrationFailed(Exception):
    """A trial did not end, or not by itself; the message is its last output, or who ended it."""

    def __init__(self, message: str, code: int = ExitCode.CRASH) -> None:
        super().__init__(message)
        self.code = code
        """The exit code."""


class Bench:
    """A fake relay and room for recordings."""

    def __init__(self, relay: FakeRelay, folder: Path, cores: int, tell: Callable[[str], None]) -> None:
        self.cores = cores
        """The number of cores that the generator may use."""
        self._relay = relay
        self._process = psutil.Process(relay.pid)
        self._folder = folder
        self._tell = tell
        self._trials = 0

    def plain(self, rate_per_s: int, for_s: float) -> Trial:
        """Run plain requests at a constant rate, one token each."""
        return self._run(rate_per_s, for_s, {"model": "plain", "stream": False})

    def streams(self, count: int, for_s: float) -> Trial:
        """Run this many concurrent streams, each of TOKENS_PER_S, once the first ones have ended."""
        return self._run(count / _STREAM_S, for_s, {"model": "paced"}, _STREAM_S)

    def _run(self, rate_per_s: float, for_s: float, scenario: dict[str, Any], ramp_s: float = 1.0) -> Trial:
        self._trials += 1
        run_dir = self._folder / f"trial-{self._trials}"
        profile = run_dir.with_suffix(".yaml")
        profile.write_text(yaml.safe_dump(self._profile(rate_per_s, for_s, scenario, ramp_s)))
        busy_s = _cpu_s(self._process)
        code = launch(Launch(profile, (), run_dir), self._watch(run_dir))
        busy_s = _cpu_s(self._process) - busy_s
        if code in INTERRUPTIONS:
            raise CalibrationFailed(f"{INTERRUPTIONS[code]} ended the calibration", code)
        if not (run_dir / "verdict.json").exists():
            raise CalibrationFailed(f"a trial ended with exit code {code}: {last_words(run_dir)}")
        return self._trial(Recording.open(run_dir), busy_s)

    def _watch(self, run_dir: Path) -> Callable[[Progress | None], None]:
        log = Follower(run_dir / LOG_NAME, for_users)

        def watch(_: Progress | None) -> None:
            for line in log.lines():
                self._tell(line)

        return watch

    def _profile(self, rate_per_s: float, for_s: float, scenario: dict[str, Any], ramp_s: float) -> dict[str, Any]:
        rate = f"{rate_per_s:g}/s"
        return {
            "name": "calibration",
            "target": {"base_url": self._relay.base_url, "api_key": KEY},
            "load": {
                "kind": "open",
                "arrivals": "constant",
                "max_in_flight": _NO_LIMIT,
                "graceful_stop": "5s",
                "stages": [
                    {"name": "warm", "for": f"{ramp_s:g}s", "rate": rate, "warmup": True},
                    {"name": "trial", "for": f"{for_s:g}s", "rate": rate},
                ],
            },
            "scenarios": {"trial": {"prompt": {"text": "how are you"}, **scenario}},
        }

    def _trial(self, recording: Recording, relay_busy_s: float) -> Trial:
        lines = list(recording.lines())
        records = [line for line in lines if isinstance(line, Record)]
        measured = [record for record in records if record.measured]
        (end,) = (line for line in lines if isinstance(line, End))
        health = recording.summary().generator
        reasons = (*health.reasons, *_uncertain(health.ttft_error_p99_s or 0.0))
        return Trial(
            requests=len(records),
            failed=sum(record.outcome is not Outcome.OK for record in records),
            chunks=sum(attempt.chunks for attempt in chain.from_iterable(record.attempts for record in records)),
            duration_s=end.at_s,
            cpu_s=(end.cpu_share or 0.0) * end.at_s,
            relay_cpu_share=relay_busy_s / (recording.run.ended_at_s or end.at_s),
            late=Spread.of([record.late_s for record in measured]),
            ttft_error=Spread.of(self._ttft_errors_s(measured, end)),
            timestamps=health.timestamps,
            valid=not reasons,
            reasons=reasons,
        )

    def _ttft_errors_s(self, records: list[Record], end: End) -> list[float]:
        """Return measured minus true times, of the streams whose truth the relay still remembers."""
        streams = [record for record in records if record.attempts[-1].ttft_s is not None]
        return list(_errors_s(streams, end.began_at_ns, self._relay.first_byte_ns())) if streams else []


def _uncertain(ttft_error_p99_s: float) -> Iterator[str]:
    if ttft_error_p99_s > _MOST_ERROR_S:
        yield f"the p99 of TTFT may be {format_duration(ttft_error_p99_s)} too late, as first tokens waited unread"


@contextmanager
def bench(tell: Callable[[str], None]) -> Iterator[Bench]:
    """Provide a fake relay pinned to the first core. `tell` gets what a trial answers to a signal.

    The generator is not pinned, as in any run: on a single core it would wait for everything else that runs there.
    """
    cores = _own_cores()
    with tempfile.TemporaryDirectory(prefix="relayload-calibrate-") as folder:
        preset = Path(folder) / "preset.yaml"
        preset.write_text(yaml.safe_dump(_PRESET))
        with FakeRelay.start(str(preset), api_key=KEY) as relay:
            if cores:
                os.sched_setaffinity(relay.pid, cores[:1])
            yield Bench(relay, Path(folder), len(cores) or os.cpu_count() or 1, tell)


def _own_cores() -> list[int]:
    """Return the cores this process may use; none where the system does not report them, such as macOS."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _errors_s(streams: list[Record], began_at_ns: int | None, written_at_ns: dict[str, int | None]) -> Iterator[float]:
    for record in streams:
        attempt = record.attempts[-1]
        true_ns = written_at_ns.get(attempt.request_id or "")
        if true_ns and began_at_ns and attempt.sent_at_s is not None and attempt.ttft_s is not None:
            yield attempt.sent_at_s + attempt.ttft_s - (true_ns - began_at_ns) * 1e-9
