"""Names for processes, by which those of the same machine can tell whether another one has died."""

import os
from pathlib import Path

from relayload.engine.host import host_id

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19
"""Places after the name in /proc/PID/stat: the state, and the instant at which the process was started."""


def process_id() -> str:
    """Return a name of this process that no other has, of no machine; empty where there is none."""
    stat = _stat(os.getpid())
    place = _place()
    return f"{place} {os.getpid()} {stat[_STARTED]}" if place and stat else ""


def is_dead(process: str) -> bool:
    """Return whether a process is known to have died. Nothing is known of those that can't be seen from here."""
    place, _, own = process.rpartition(" ")
    place, _, pid = place.rpartition(" ")
    if not place or place != _place():
        return False
    stat = _stat(int(pid))
    return stat is None or stat[_STARTED] != own or stat[_STATE] in ("Z", "X")


def _place() -> str:
    """Return a name of the boot of this machine and of the namespace of its process numbers."""
    try:
        return f"{host_id()} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name, which may hold anything; None if there is no such process."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
