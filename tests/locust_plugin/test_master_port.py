import socket
import subprocess
import sys

import pytest

from relayload.locust_plugin.master_port import LOOPBACK, MasterPort, workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems can't keep a port for somebody")


def is_taken(number: int) -> bool:
    with socket.socket() as other:
        try:
            other.bind((LOOPBACK, number))
        except OSError:
            return True
        return False


def test_a_port_is_nobody_elses_as_long_as_it_is_kept() -> None:
    with MasterPort() as port, MasterPort() as other:
        assert port.number != other.number
        assert is_taken(port.number)
    assert not is_taken(port.number)


def test_a_master_may_listen_at_it_meanwhile() -> None:
    with (
        MasterPort() as port,
        socket.create_server((LOOPBACK, port.number)) as master,
        socket.create_connection((LOOPBACK, port.number)) as worker,
    ):
        accepted, address = master.accept()
        accepted.close()
        assert address == worker.getsockname()


def test_a_process_that_inherits_it_keeps_it() -> None:
    with MasterPort() as port:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        heir = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=port.descriptors)
    assert is_taken(port.number)
    heir.communicate()
    assert not is_taken(port.number)


def test_several_processes_are_told_of_it_and_a_single_one_needs_none() -> None:
    options = workers(3, 4711)
    assert workers(1, 4711) == []
    assert options[:2] == ["--processes", "3"]
    assert options[options.index("--master-bind-port") + 1] == options[options.index("--master-port") + 1]
    assert options[-1] == "4711"
