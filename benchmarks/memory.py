"""Whether memory stays flat: many short streams, one after another on each of a hundred connections.

    python benchmarks/memory.py [--streams 10000]

Prints the resident memory and the objects the collector tracks after every tenth of the streams.
"""

from locust import User  # noqa: F401 -- patches the standard library, as in a real run

import argparse
import gc
import tempfile
from pathlib import Path

import gevent
import psutil

from relayload.core.model.record import Outcome
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts
from relayload.fakerelay.process import FakeRelay
from relayload.transport import Transport
from relayload.transport.drivers import new_transport

PRESET = """
models:
  short: {ttft: {any: 1ms}, speed: 1000/s, output_tokens: {any: 20}}
"""
AT_ONCE = 100


def stream(transport: Transport, times: int) -> None:
    request = chat_request("short", [{"role": "user", "content": "how are you"}])
    for _ in range(times):
        attempt = transport.send(request, Timeouts()).attempt
        assert attempt.outcome is Outcome.OK, attempt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=10_000)
    share = parser.parse_args().streams // 10 // AT_ONCE
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        preset = Path(folder) / "memory.yaml"
        preset.write_text(PRESET)
        with FakeRelay.start(str(preset)) as relay:
            transport = new_transport("native", relay.base_url, "sk-fake")
            for tenth in range(1, 11):
                gevent.joinall([gevent.spawn(stream, transport, share) for _ in range(AT_ONCE)], raise_error=True)
                gc.collect()
                resident_mb = process.memory_info().rss / 1e6
                print(
                    f"{tenth * share * AT_ONCE:>8,} streams: {resident_mb:6.1f} MB, {len(gc.get_objects()):,} objects"
                )
            transport.close()


if __name__ == "__main__":
    main()
