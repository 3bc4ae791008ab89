"""Measures what this machine can generate: the real generator against the fake relay, whose truth is known."""

import platform
from collections.abc import Callable

from relayload import __version__
from relayload.calibration.trial import CalibrationFailed, bench
from relayload.core.capacity.highest_load import highest
from relayload.core.model.calibration import Calibration, Ceiling, Trial, marginal_cpu_s

__all__ = ["CalibrationFailed", "calibrate"]

_IDLE_RATE_PER_S = 5
_SEARCH_S = 2.0
_MOST_PER_S = 32_000
_MOST_STREAMS = 8_000
_RELAY_FULL = 0.9
"""The share of its core at which the relay is the bottleneck itself."""

Report = Callable[[str], None]


def calibrate(streams: int, rate_per_s: int, trial_s: float, report: Report, *, search: bool = True) -> Calibration:
    """Run the requested trials and, with `search`, search for the limits; `report` gets a line about each as it begins.

    Raises CalibrationFailed.
    """
    with bench(report) as at:
        report("trying an idle generator ...")
        idle = at.plain(_IDLE_RATE_PER_S, trial_s)
        report(f"trying {rate_per_s} plain requests/s ...")
        plain = at.plain(rate_per_s, trial_s)
        report(f"trying {streams} streams ...")
        streamed = at.streams(streams, trial_s)
        cpu_per_request_s, cpu_per_chunk_s = marginal_cpu_s(idle, plain, streamed)
        ceilings = (
            (
                _ceiling(at.plain, plain, rate_per_s, _MOST_PER_S, "plain requests/s", report),
                _ceiling(at.streams, streamed, streams, _MOST_STREAMS, "streams", report),
            )
            if search
            else (None, None)
        )
        return Calibration(
            rate_per_s=rate_per_s,
            streams=streams,
            plain=plain,
            streamed=streamed,
            cpu_per_request_s=cpu_per_request_s,
            cpu_per_chunk_s=cpu_per_chunk_s,
            highest_rate_per_s=ceilings[0],
            highest_streams=ceilings[1],
            cores=at.cores,
            versions={"relayload": __version__, "python": platform.python_version()},
        )


def _ceiling(
    run: Callable[[int, float], Trial], known: Trial, load: int, most: int, what: str, report: Report
) -> Ceiling:
    trials = {load: known}

    def holds(tried: int) -> bool:
        if tried not in trials:
            report(f"trying {tried} {what} ...")
            trials[tried] = run(tried, _SEARCH_S)
        return trials[tried].sustained

    good, bad = highest(holds, load, max(most, load))
    if bad is None:
        return Ceiling(highest=good, limited_by="search")
    relay_was_full = trials[bad].relay_cpu_share > _RELAY_FULL
    return Ceiling(highest=good, limited_by="fake relay" if relay_was_full else "generator")
