import subprocess
import sys

import pytest

from relayload.core.errors import AuthorError
from relayload.transport.drivers import DRIVERS, new_transport


@pytest.mark.parametrize(("driver", "kind"), [("native", "NativeTransport"), ("openai", "SdkTransport")])
def test_a_driver_is_chosen_by_its_name(driver, kind):
    transport = new_transport(driver, "http://127.0.0.1:1/v1", "sk-test", headers={"x-a": "1"}, max_connections=5)
    assert type(transport).__name__ == kind
    transport.close()


def test_every_driver_can_be_had():
    for driver in DRIVERS:
        new_transport(driver, "https://127.0.0.1:1/v1", "sk-test", verify=False).close()


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("value", ["my-own-key\n", "my-own-key\u2026"])
@pytest.mark.parametrize("name", ["api_key", "x-team"])
def test_a_header_that_cannot_be_sent_is_the_authors_fault_and_not_repeated(driver, value, name):
    given = {"api_key": "sk-test", "headers": {"x-team": "a"}} | (
        {"api_key": value} if name == "api_key" else {"headers": {name: value}}
    )
    with pytest.raises(AuthorError) as raised:
        new_transport(driver, "http://127.0.0.1/v1", **given)
    assert str(raised.value).startswith(f"{name}: holds a line break")
    assert "my-own-key" not in repr(raised.value)


def test_the_sdk_is_not_imported_unless_it_is_used():
    script = "import sys, relayload.transport.drivers; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
