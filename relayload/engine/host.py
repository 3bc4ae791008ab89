"""The identity of a host: processes on the same one share a monotonic clock."""

import socket
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_NAMESPACE = Path("/proc/self/ns/time")
"""Processes in different time namespaces have different monotonic clocks."""


@cache
def host_id() -> str:
    """Return an identifier that exactly the processes share that read the same monotonic clock.

    Linux: the boot id and the time namespace, so that containers on one machine are one host. Elsewhere: the host's
    name and the second in which it booted.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            return f"{_BOOT_ID.read_text().strip()}/{_time_namespace()}"
    return f"{host_name()}/{psutil.boot_time():.0f}"


def host_name() -> str:
    """Return the host's name, for people: several hosts may have the same."""
    return socket.gethostname()


def _time_namespace() -> int:
    """Return the inode of this process's time namespace; 0 if the kernel has none (before Linux 5.6)."""
    try:
        return _TIME_NAMESPACE.stat().st_ino
    except FileNotFoundError:
        return 0
