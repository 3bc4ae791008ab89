import subprocess
import sys

import pytest

from relayload.engine.host import host_id

ASK = "from relayload.engine.host import host_id; print(host_id())"


def told(*prefix: str) -> str:
    done = subprocess.run([*prefix, sys.executable, "-c", ASK], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no time namespace can be made here: {done.stderr.strip()}")
    return done.stdout.strip()


def test_processes_of_one_host_know_it() -> None:
    assert told() == host_id()


@pytest.mark.skipif(sys.platform != "linux", reason="time namespaces are Linux's")
def test_another_time_namespace_is_another_host() -> None:
    assert told("unshare", "--time", "--fork", "--monotonic", "100000") != host_id()
