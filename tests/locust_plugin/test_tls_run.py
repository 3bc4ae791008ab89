"""A whole run over TLS, as a process: the fake relay behind a TLS end of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from certificates import Certificates
from support import ROOT, Start, relay_stats, saved

from relayload.fakerelay.process import FakeRelay


@pytest.fixture
def https(relay: FakeRelay, certificates: Certificates) -> Iterator[str]:
    """The base URL of the relay by TLS."""
    place = urlsplit(relay.base_url)
    script = ROOT / "benchmarks" / "tls_front.py"
    command = [sys.executable, str(script), str(certificates.server), str(place.hostname), str(place.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as front:
        try:
            assert front.stdout is not None
            yield f"https://127.0.0.1:{int(front.stdout.readline())}/v1"
        finally:
            front.terminate()


def test_a_run_over_tls_measures_as_one_without(
    start: Start, profile: object, https: str, relay: FakeRelay, certificates: Certificates, tmp_path: Path
) -> None:
    assert callable(profile)
    out = tmp_path / "run"
    target = f"target={{base_url: '{https}', tls: {{ca_file: {certificates.authority}}}}}"
    run = start("relayload", "run", profile(), "--set", target, "--out", out)
    assert run.wait() == 0, run.output
    counts = saved(out, "summary.json")["counts"]
    assert counts["ok"] == counts["offered"] == relay_stats(relay)["requests"]
    lines = [json.loads(line) for line in (out / "records-0.jsonl").read_text().splitlines()]
    attempts = [line["attempts"][-1] for line in lines if line["line"] == "request"]
    handshakes = [attempt["tls_s"] for attempt in attempts if "tls_s" in attempt]
    assert 0 < len(handshakes) < len(attempts), "connections are kept"
    assert all(0 < attempt["ttft_s"] < attempt["service_s"] for attempt in attempts if attempt.get("chunks"))


def test_a_certificate_of_an_unknown_authority_ends_before_the_load(
    start: Start, profile: object, https: str, relay: FakeRelay
) -> None:
    assert callable(profile)
    run = start("relayload", "run", profile(), "--set", f"target.base_url={https}")
    assert run.wait() == 6, run.output
    assert "Name its authority in target.tls.ca_file" in run.output
    assert relay_stats(relay)["requests"] == 0
