"""The examples of docs/client.md do what they say."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from support import PATIENCE_S, ROOT, ran_patched

from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile, load

TEXT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def load_text(folder: Path, text: str, rest: Mapping[str, object]) -> Profile:
    path = folder / "profile.yaml"
    path.write_text(text + yaml.safe_dump(rest))
    return load(path)


def test_the_client_of_a_profile_is_read(tmp_path: Path) -> None:
    text, limits = examples("yaml")
    rest = {
        "name": "docs",
        "load": {"kind": "open", "stages": [{"for": "1s", "rate": "1/s"}]},
        "scenarios": {"simple": {"model": "o3", "prompt": "simple"}},
    }
    profile = load_text(tmp_path, text, rest)
    policy = profile.client_policy(profile.target)
    assert load_text(tmp_path, limits, rest).response_limits.body_bytes == 32_000_000
    assert (policy.deadline_s, policy.breaker.enforce, len(policy.limits)) == (180.0, True, 3)


def run(script: str, relay: FakeRelay) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script.replace("http://127.0.0.1:8600/v1", relay.base_url)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, ["ok=2"]),
        (1, ["BatchStatus(queued=90, running=10, done=0, failed=0)", "ok=100"]),
        (2, [" "]),
        (3, ["yours bad_request 404"]),
        (4, ["greeting True"]),
    ],
)
def test_a_script_runs_and_prints_what_it_should(relay: FakeRelay, number: int, told: list[str]) -> None:
    printed = run(examples("python")[number], relay)
    assert [each for each in told if each in printed] == told


def test_the_locustfile_makes_a_user_with_a_client() -> None:
    script = examples("python")[5] + (
        "\n\nfrom locust.env import Environment\n\n"
        "Visitor.api_key = 'sk-fake'\n"
        "print(Visitor(Environment(host='http://127.0.0.1:1/v1')).relay)\n"
    )
    assert "RelayClient" in ran_patched(script)
