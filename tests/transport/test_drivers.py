import subprocess
import sys

import pytest

from relayload.transport.drivers import DRIVERS, new_transport


@pytest.mark.parametrize(("driver", "kind"), [("native", "NativeTransport"), ("openai", "SdkTransport")])
def test_a_driver_is_chosen_by_its_name(driver, kind):
    transport = new_transport(driver, "http://127.0.0.1:1/v1", "sk-test", headers={"x-a": "1"}, max_connections=5)
    assert type(transport).__name__ == kind
    transport.close()


def test_every_driver_can_be_had():
    for driver in DRIVERS:
        new_transport(driver, "https://127.0.0.1:1/v1", "sk-test", verify=False).close()


def test_the_sdk_is_not_imported_unless_it_is_used():
    script = "import sys, relayload.transport.drivers; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
