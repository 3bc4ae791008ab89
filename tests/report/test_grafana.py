"""The dashboard and the rules ask for what there is, and are as Grafana and Prometheus want them."""

import re
import shutil
import subprocess

import pytest
import yaml
from grafana import ALERTS, dashboard, expressions, names, rules

from relayload.report.metric_families import HISTOGRAMS, NUMBERS, Kind

_LIVE = {family.name for family in NUMBERS} | {f"{family.name}_bucket" for family in HISTOGRAMS.values()}
_LABELS = {family.name: set(family.labels) for family in NUMBERS} | {
    f"{family.name}_bucket": {*family.labels, "le"} for family in HISTOGRAMS.values()
}
_COUNTERS = {family.name for family in NUMBERS if family.kind is Kind.COUNTER}
_SELECTOR = re.compile(r"(relayload_\w+)\{([^}]*)\}")
_ASKED = [*expressions(), *((rule["alert"], rule["expr"]) for rule in rules())]
_PROMTOOL = shutil.which("promtool")
_needs_promtool = pytest.mark.skipif(_PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")


@pytest.mark.parametrize(("where", "expression"), _ASKED)
def test_every_query_names_metrics_and_labels_that_exist(where: str, expression: str) -> None:
    assert names(expression)
    assert names(expression) <= _LIVE
    for name, selector in _SELECTOR.findall(expression):
        assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= _LABELS[name]
    for name in names(expression) & _COUNTERS:
        assert "rate(" in expression or "sum" in expression, f"{name} only grows"


def test_the_dashboard_has_what_grafana_requires() -> None:
    board = dashboard()
    assert board["schemaVersion"] >= 39
    assert board["id"] is None, "Grafana gives it one"
    assert board["uid"] == board["title"] == "relayload"
    assert [variable["name"] for variable in board["templating"]["list"]] == ["datasource", "run_id"]
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in ("stat", "table", "timeseries")
        assert panel["title"]
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_panels_lie_beside_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not own & taken, panel["title"]
        taken |= own


def test_every_query_is_of_the_run_that_is_chosen() -> None:
    for title, expression in expressions():
        assert 'relayload_run_info{run_id=~"run"}' in expression, title


@_needs_promtool
def test_prometheus_takes_every_query_for_one(tmp_path) -> None:
    asked = [{"record": f"query{number}", "expr": text} for number, (_, text) in enumerate(expressions())]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked}]}))
    assert f"{len(asked)} rules found" in _promtool("check", "rules", file)
    _promtool("check", "rules", ALERTS)


_INFO = {"relayload_run_info": {"run_id": "r", "profile": "p", "load_kind": "open", "version": "1"}}
_RUNS = {"relayload_run_state": {"state": "running"}}


@_needs_promtool
@pytest.mark.parametrize(
    ("alert", "series", "fires", "silent"),
    [
        (
            "RelayloadObjectiveBroken",
            {"relayload_objective_state": {"objective": "o", "state": "fail"}},
            "1+0x20",
            "0+0x20",
        ),
        ("RelayloadRunInvalid", {"relayload_run_valid": {}}, "0+0x20", "1+0x20"),
        ("RelayloadNothingEnds", {"relayload_requests_total": {"outcome": "ok"}}, "7+0x20", "7+1x20"),
        ("RelayloadNoData", _RUNS, "1+0x4 stale", "1+0x20"),
    ],
)
def test_an_alert_fires_when_it_should_and_not_otherwise(alert, series, fires, silent, tmp_path) -> None:
    steady = _INFO if alert == "RelayloadNoData" else _INFO | ({} if series is _RUNS else _RUNS)
    for values, count in ((fires, 1), (silent, 0)):
        given = [_series(labels, name, "1+0x20") for name, labels in steady.items()]
        given += [_series(labels, name, values) for name, labels in series.items()]
        _check_fires(tmp_path, alert, given, count)


@_needs_promtool
@pytest.mark.parametrize(("spent", "count"), [("4.6+0x20", 1), ("4.4+0x20", 0)])
def test_spend_is_told_near_the_cap(spent, count, tmp_path) -> None:
    given = [_series({}, "relayload_cost_usd", spent), _series({}, "relayload_cost_limit_usd", "5+0x20")]
    _check_fires(tmp_path, "RelayloadSpendNearCap", given, count)


@_needs_promtool
@pytest.mark.parametrize(("in_time", "count"), [("0+90x20", 1), ("0+100x20", 0)])
def test_late_starts_are_told(in_time, count, tmp_path) -> None:
    buckets = {"0.025": in_time, "0.1": "0+100x20", "+Inf": "0+100x20"}
    given = [_series({"le": le, "outcome": "ok"}, "relayload_late_seconds_bucket", v) for le, v in buckets.items()]
    _check_fires(tmp_path, "RelayloadGeneratorLate", given, count)


def _series(labels: dict[str, str], name: str, values: str) -> dict[str, str]:
    told = ",".join(f'{key}="{value}"' for key, value in {"job": "relayload", "instance": "i", **labels}.items())
    return {"series": f"{name}{{{told}}}", "values": values}


def _check_fires(tmp_path, alert: str, series: list[dict[str, str]], count: int) -> None:
    """Have promtool count the alerts that fire after five minutes, by a value every half minute."""
    asked = {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)', "eval_time": "5m"}
    test = {
        "interval": "30s",
        "input_series": series,
        "promql_expr_test": [{**asked, "exp_samples": [{"labels": "{}", "value": count}]}],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "30s", "tests": [test]}))
    _promtool("test", "rules", file)


def _promtool(*arguments: object) -> str:
    assert _PROMTOOL is not None
    done = subprocess.run([_PROMTOOL, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
