import resource
import socket

import pytest

from relayload.transport import open_files


def test_counts_what_is_open() -> None:
    before = open_files.count()
    assert before is not None
    with socket.socket():
        assert open_files.count() == before + 1
    assert open_files.count() == before


@pytest.fixture
def limits() -> object:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_raises_the_limit_to_what_the_system_grants(limits: tuple[int, int]) -> None:
    _, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    assert open_files.limit() == 256
    open_files.raise_limit()
    assert open_files.limit() == hard


def test_connections_leave_some_files_to_the_rest(limits: tuple[int, int]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    open_files.check(191)
    with pytest.raises(OSError, match="Too many open files"):
        open_files.check(192)
