"""The ready profile of a noisy neighbour, against a relay that keeps its tenants apart and one that does not."""

from pathlib import Path

import pytest
from support import Start, saved

from relayload.fakerelay.process import FakeRelay

pytestmark = pytest.mark.slow
BURST = "ttft{key=quiet, stage=burst}.p90 < 150ms"


def _judged(out: Path) -> dict[str, str]:
    return {judged["expr"]: judged["verdict"] for judged in saved(out, "verdict.json")["objectives"]}


def test_a_relay_with_limits_for_each_key_shields_the_quiet_one(locust: Start, tmp_path: Path) -> None:
    run = locust("--relay-profile", "noisy-neighbour", "--relay-out", tmp_path / "run")
    run.wait()
    judged = _judged(tmp_path / "run")
    assert judged[BURST] == "PASS", run.output
    assert judged["errors{key=loud, kind!=429}.rate < 2%"] == "PASS"
    by_key = saved(tmp_path / "run", "summary.json")["by_key"]
    assert by_key["loud"]["by_outcome"]["rate_limited"] > 100
    assert "rate_limited" not in by_key["quiet"]["by_outcome"]


def test_a_relay_without_them_lets_the_quiet_one_wait(locust: Start, tmp_path: Path) -> None:
    with FakeRelay.start("tenants", api_key="sk-test sk-fake", sets=["limits=[]"]) as relay:
        run = locust(
            *("--relay-profile", "noisy-neighbour", "--relay-out", tmp_path / "run"), RELAY_BASE_URL=relay.base_url
        )
        assert run.wait() == 3, run.output
    judged = _judged(tmp_path / "run")
    assert judged[BURST] == "FAIL"
    assert judged["errors{key=quiet}.rate < 5%"] == "PASS"
