"""A relay that makes up its answers: whatever it says, a request ends, and what is left of it can be put on record."""

import json
import subprocess
import sys

import pytest
from fuzzing import MESSAGES_FROM, SECRET, case
from support import ROOT

RUNNER = """
from locust import User
import json, sys
import msgspec
from gevent.pool import Pool
from relayload.core.resilience.retry_after import retry_after_s, remaining
from relayload.core.resilience.classify import AttemptSignals
from relayload.core.resilience.dialects import DIALECTS, classifier
from relayload.core.model.record import Attempt, Outcome, Record
from relayload.core.wire.embeddings import embeddings_request
from relayload.core.wire.messages import messages_request
from relayload.core.wire.chat import chat_request
from relayload.core.wire.request import Timeouts
from relayload.core.wire.responses import responses_request
from relayload.recording import RecordWriter, Recording
from relayload.transport.drivers import new_transport, prepare
from relayload.transport.keeping import read_kept
from relayload.transport.redaction import Secrets
from fuzzing import MESSAGES, SECRET, case

driver, base_url, first, last, folder = json.load(sys.stdin)
prepare(driver)
SECRETS = Secrets("", [], [SECRET])
transport = new_transport(driver, base_url, SECRET)
timeouts = Timeouts(connect_s=60.0, total_s=60.0)
classifiers = [classifier(dialect) for dialect in DIALECTS]
failed = []


def request(number):
    endpoint, stream, _ = case(number)
    if endpoint == "embeddings":
        return embeddings_request(str(number), ["a"])
    new_request = {"chat": chat_request, "responses": responses_request, "messages": messages_request}[endpoint]
    return new_request(str(number), MESSAGES, stream=stream)


def send(number):
    try:
        wanted = request(number)
        told = []
        on_text = told.append if number % 3 else None
        answer = transport.send(wanted, timeouts, keep_text=number % 2 == 0, on_text=on_text, sampled=number % 4 < 2)
        check(wanted, answer, told)
        if answer.kept is not None:
            kept = read_kept(answer.kept, wanted, SECRETS)
            msgspec.json.encode((kept.model, kept.fingerprint, kept.total_tokens, kept.has_logprobs))
            for text in (kept.text, kept.thoughts, *kept.calls):
                text.encode()
    except Exception as error:
        failed.append(f"{number}: {error!r}")
        if len(failed) > 20:
            raise


def check(wanted, answer, told):
    attempt = answer.attempt
    line = msgspec.json.encode(attempt)
    assert msgspec.json.decode(line, type=Attempt) == attempt
    assert SECRET.encode() not in line, line
    assert len(line) < 4_000, len(line)
    for text in (answer.text, *told):
        text.encode()
    counts = (attempt.input_tokens, attempt.output_tokens, attempt.cached_input_tokens, attempt.reasoning_tokens)
    assert all(count is None or 0 <= count <= 2**40 for count in counts), counts
    times = [each for each in (attempt.ttft_s, attempt.last_token_s, attempt.service_s) if each is not None]
    assert times == sorted(times) and all(each >= 0 for each in times), times
    if attempt.outcome is Outcome.OK:
        assert 200 <= attempt.status < 300
        assert not wanted.stream or attempt.chunks or attempt.finish_reason
    said_s = answer.fault.retry_after_s if answer.fault else None
    wait_s = retry_after_s(answer.headers, said_s, limited=True, wall_s=1e9)
    assert wait_s is None or 0 <= wait_s < float("inf"), wait_s
    remaining(answer.headers, 1e9)
    fault = answer.fault
    signals = AttemptSignals(
        attempt.status,
        attempt.error,
        attempt.finish_reason,
        fault.code if fault else None,
        fault.type if fault else None,
        fault.message if fault else "",
        answer.headers,
    )
    for each in classifiers:
        each.classify(signals)
    writer.write(
        Record(
            index=int(wanted.model), worker=0, scenario="s", stage="s", model="m", measured=True,
            intended_at_s=0.0, late_s=0.0, latency_s=1.0, outcome=attempt.outcome, attempts=(attempt,),
        )
    )


from pathlib import Path
writer = RecordWriter(Path(folder) / "records-0.jsonl")
Pool(16).map(send, range(first, last))
print("\\n".join(failed))
"""


def answer_made_up(peer) -> None:
    """Ends every connection with its answer, since the answer may be cut anywhere."""
    peer.send(case(int(json.loads(peer.read_request().body)["model"])).answer)


def fuzz(serve, folder, driver: str, first: int, count: int) -> None:
    told = json.dumps([driver, serve(answer_made_up).base_url, first, first + count, str(folder)])
    ended = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=told, capture_output=True, text=True, timeout=3000, check=False, cwd=ROOT / "tests",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == ""
    lines = (folder / "records-0.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == count
    assert not any(SECRET in line for line in lines)


@pytest.mark.parametrize(
    ("driver", "first", "count"), [("native", 0, 3_000), ("openai", 0, 600), ("native", MESSAGES_FROM, 1_000)]
)
def test_whatever_a_relay_says_ends_in_a_record(serve, tmp_path, driver, first, count):
    fuzz(serve, tmp_path, driver, first, count)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver", "first", "count"),
    [("native", 2_000_000, 200_000), ("openai", 2_000_000, 40_000), ("native", MESSAGES_FROM, 60_000)],
)
def test_whatever_a_relay_says_for_long_ends_in_a_record(serve, tmp_path, driver, first, count):
    fuzz(serve, tmp_path, driver, first, count)
