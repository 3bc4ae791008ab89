import subprocess
import sys

import pytest
from support import present, wait_for

from relayload.engine.process_id import is_dead, process_id

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
TELLS = "from relayload.engine.process_id import process_id; print(process_id(), flush=True); input()"


def test_a_process_is_dead_once_it_has_ended_even_before_it_is_waited_for():
    with subprocess.Popen([sys.executable, "-c", TELLS], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        output = present(other.stdout)
        name = output.readline().decode().strip()
        assert name != process_id()
        assert not is_dead(name)
        other.kill()
        output.read()
        wait_for(lambda: is_dead(name))
    assert is_dead(name)


def test_nothing_is_known_of_processes_elsewhere():
    place, _, started = process_id().rpartition(" ")
    assert not is_dead(process_id())
    assert not is_dead("")
    assert not is_dead(f"another-host pid:[1] 1 {started}")
    assert is_dead(f"{place} 1")
