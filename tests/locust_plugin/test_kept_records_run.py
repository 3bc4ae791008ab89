"""Runs that keep few single requests or none, as processes: what they tell is judged, and told as that."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import Start, relay_stats, saved

from relayload.cli import main
from relayload.core.model.record import Record
from relayload.fakerelay.process import FakeRelay
from relayload.recording import Recording


def _cli(*arguments: object) -> Result:
    github = {"GITHUB_ACTIONS": None, "GITHUB_STEP_SUMMARY": None}
    return CliRunner(env=github).invoke(main, [*map(str, arguments)])


@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_without_records_is_judged_reported_and_compared(
    locust: Start, profile: Callable[..., Path], relay: FakeRelay, tmp_path: Path, processes: int
) -> None:
    outs = [tmp_path / "one", tmp_path / "two"]
    for out in outs[: 3 - processes]:
        options = ["--relay-set", f"target.base_url={relay.base_url}", "--relay-set", "recording.records=none"]
        run = locust("--relay-profile", profile(), "--relay-out", out, *options, processes=processes)
        assert run.wait() == 0, run.output
        assert "judged from snapshots" in run.output
    out = outs[0]
    counts = saved(out, "summary.json")["counts"]
    assert counts["offered"] == counts["started"] + counts["dropped"] + counts["lost"]
    assert counts["started"] == sum(counts["by_outcome"].values())
    assert counts["ok"] == counts["offered"] > 10
    assert not [line for line in Recording.open(out).lines() if isinstance(line, Record)]
    before = saved(out, "verdict.json"), saved(out, "summary.json")
    gated = _cli("gate", out, "--json")
    assert (gated.exit_code, json.loads(gated.stdout)) == (0, before[0])
    assert any("judged from snapshots" in warning for warning in before[0]["warnings"])
    assert _cli("report", out, "--rebuild").exit_code == 0
    assert saved(out, "summary.json") == before[1]
    assert "judged from snapshots" in " ".join(_cli("report", out).stdout.split())
    if processes == 1:
        assert relay_stats(relay)["requests"] == counts["ok"] + saved(outs[1], "summary.json")["counts"]["ok"]
        compared = _cli("compare", *outs, "--json")
        assert any("come from snapshots" in warning for warning in json.loads(compared.stdout)["warnings"])
