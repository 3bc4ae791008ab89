"""The examples of docs/client.md do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import yaml
from support import PATIENCE_S, ROOT

from relayload.fakerelay.process import FakeRelay
from relayload.profile import Profile, load

TEXT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def load_text(folder: Path, text: str, rest: dict[str, object]) -> Profile:
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


def test_the_client_in_python_runs(relay: FakeRelay) -> None:
    script = examples("python")[0].replace("http://127.0.0.1:8600/v1", relay.base_url)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert "BatchStatus(queued=90, running=10, done=0, failed=0)" in done.stdout
    assert "ok=102" in done.stdout
