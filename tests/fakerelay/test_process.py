import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from support import PATIENCE_S, present, wait_for

from relayload.fakerelay.process import FakeRelay

pytestmark = pytest.mark.usefixtures("real_relays")


def status_of(base_url: str, key: str) -> int:
    request = urllib.request.Request(f"{base_url}/models", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_relay_tells_when_it_wrote_and_asks_no_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with FakeRelay.start() as relay:
        request = urllib.request.Request(
            f"{relay.base_url}/chat/completions",
            json.dumps({"model": "o3", "messages": [{"role": "user", "content": "hi"}]}).encode(),
            {"Authorization": "Bearer sk-fake", "Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        before_ns = time.time_ns()
        with opener.open(request, timeout=PATIENCE_S) as response:
            request_id = response.headers["x-request-id"]
        written_ns = relay.first_byte_ns()[request_id]
    assert before_ns < present(written_ns) < time.time_ns()


def test_a_relay_answers_while_it_is_open_and_is_gone_after():
    with FakeRelay.start(api_key="sk-mine") as relay:
        assert relay.base_url.startswith("http://127.0.0.1:")
        assert relay.base_url.endswith("/v1")
        assert status_of(relay.base_url, "sk-mine") == 200
        assert status_of(relay.base_url, "sk-other") == 401
    assert not is_alive(relay.pid)


def test_the_key_is_not_on_the_command_line():
    with FakeRelay.start(api_key="sk-mine") as relay:
        listed = subprocess.run(["ps", "-o", "args=", "-p", str(relay.pid)], capture_output=True, text=True)
    assert "relayload.fakerelay" in listed.stdout
    assert "sk-mine" not in listed.stdout


def test_a_relay_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match="there is no preset 'o-serie'; did you mean 'o-series'"):
        FakeRelay.start("o-serie")


STARTS_ONE = """
import sys, time
{patch}
from relayload.fakerelay.process import FakeRelay
relay = FakeRelay.start()
print(relay.pid, relay.base_url, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("patch", ["", "from gevent import monkey; monkey.patch_all()"], ids=["plain", "gevent"])
def test_a_relay_dies_with_a_parent_that_is_killed(patch):
    code = STARTS_ONE.format(patch=patch)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        pid, base_url = parent.stdout.readline().split()
        assert status_of(base_url, "sk-fake") == 200
        parent.send_signal(signal.SIGKILL)
        wait_for(lambda: not is_alive(int(pid)))
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly_with_exit_code_0_even_in_mid_stream(number):
    arguments = [sys.executable, "-m", "relayload.fakerelay", "--port=0", "--set=models.o3.ttft.simple=1ms"]
    relay = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert relay.stdout is not None
    assert relay.stderr is not None
    try:
        line = relay.stdout.readline()
        assert line.startswith("fake relay 'o-series' listening on http://127.0.0.1:")
        assert line.endswith("/v1 (this is a fake: made-up answers)\n")
        body = {"model": "o3", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        headers = {"Authorization": "Bearer sk-fake", "x-relayload-output-tokens": "100000"}
        url = line.split()[5] + "/chat/completions"
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)) as response:
            assert response.readline().startswith(b"data: {")
            relay.send_signal(number)
            assert relay.wait(PATIENCE_S) == 0
        assert relay.stdout.read() == ""
        assert relay.stderr.read() == ""
    finally:
        relay.kill()
        relay.wait()
        relay.stdout.close()
        relay.stderr.close()


def test_an_address_that_is_taken_is_a_clear_line_and_exit_code_2():
    with FakeRelay.start() as relay:
        port = relay.base_url.split(":")[2].removesuffix("/v1")
        second = subprocess.run(
            [sys.executable, "-m", "relayload.fakerelay", f"--port={port}"], capture_output=True, text=True
        )
    assert second.returncode == 2
    assert second.stderr == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"
