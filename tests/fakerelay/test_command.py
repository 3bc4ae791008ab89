import json
import os
import subprocess
import sys
import time
import urllib.request

from click.testing import CliRunner
from support import PATIENCE_S, present

from relayload.fakerelay.command import command

MODEL = "models: {m: {ttft: {any: 1ms}, speed: 1000/s, output_tokens: {any: 2}}}\n"


def test_presets_are_listed():
    result = CliRunner().invoke(command, ["--list"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    named = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert named == ["direct", "dishonest", "honest", "limited", "o-series", "outage", "slots", "tenants"]
    assert max(map(len, lines)) <= 80


def test_help_says_what_is_shared_by_workers():
    assert "Each has limits, slots, faults and statistics of its own." in " ".join(
        CliRunner().invoke(command, ["--help"]).stdout.split()
    )


def test_help_needs_nothing_heavy():
    heavy = "{'pydantic', 'uvicorn', 'yaml'}"
    code = f"import sys; import relayload.fakerelay.command; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_bad_preset_is_told_with_its_places_and_exit_code_2(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(MODEL + "faults:\n  - {kind: stal}\ndialect: opnai\n")
    result = CliRunner().invoke(command, ["--preset", str(file), "--set", "seed=one"])
    assert result.exit_code == 2
    assert [line.partition(": expected")[0] for line in result.stderr.splitlines()] == [
        "--set: seed",
        f"{file}:3:12: faults.0.kind",
        f"{file}:4:10: dialect",
    ]


def test_a_record_that_cannot_be_written_is_a_fault(tmp_path):
    result = CliRunner().invoke(command, ["--port", "0", "--record", str(tmp_path / "no" / "file")])
    assert result.exit_code == 2
    assert "cannot be written: No such file or directory" in result.stderr


def test_workers_serve_one_address_and_record_into_one_file(tmp_path):
    preset, record = tmp_path / "p.yaml", tmp_path / "requests.jsonl"
    preset.write_text(MODEL)
    arguments = [f"--preset={preset}", "--port=0", "--workers=2", f"--record={record}", "--exit-with-stdin"]
    relay = subprocess.Popen(
        [sys.executable, "-m", "relayload.fakerelay", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert relay.stdout is not None
    assert relay.stderr is not None
    try:
        base_url = relay.stdout.readline().split()[5]
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
        for _ in range(40):
            request = urllib.request.Request(
                f"{base_url}/chat/completions", body, {"Authorization": "Bearer sk-fake", "Connection": "close"}
            )
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:
                assert response.status == 200
        workers: set[int] = set()
        deadline_s = time.monotonic() + PATIENCE_S
        while workers != {0, 1} and time.monotonic() < deadline_s:
            with urllib.request.urlopen(
                base_url.removesuffix("/v1") + "/__relay/stats", timeout=PATIENCE_S
            ) as response:
                workers.add(json.load(response)["worker"])
        assert workers == {0, 1}
        present(relay.stdin).close()
        assert relay.wait(PATIENCE_S) == 0
        assert relay.stderr.read() == ""
    finally:
        relay.kill()
        relay.wait()
        relay.stdout.close()
        relay.stderr.close()
    entries = [json.loads(line) for line in record.read_text().splitlines()]
    assert len(entries) == 40
    assert {entry["outcome"] for entry in entries} == {"ok"}


def test_a_worker_that_dies_ends_the_relay(tmp_path):
    preset = tmp_path / "p.yaml"
    preset.write_text(MODEL)
    relay = subprocess.Popen(
        [sys.executable, "-m", "relayload.fakerelay", f"--preset={preset}", "--port=0", "--workers=2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert relay.stdout is not None
    assert relay.stderr is not None
    try:
        relay.stdout.readline()
        children = subprocess.run(["pgrep", "-P", str(relay.pid)], capture_output=True, text=True).stdout.split()
        assert len(children) == 2
        os.kill(int(children[0]), 9)
        assert relay.wait(PATIENCE_S) == 1
        assert relay.stderr.read() == "a worker of the fake relay has ended: so have all the others\n"
    finally:
        relay.kill()
        relay.wait()
        relay.stdout.close()
        relay.stderr.close()
