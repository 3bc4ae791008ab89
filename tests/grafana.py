"""The dashboard and the alert rules that ship, as tests read them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[1] / "docs" / "grafana"
ALERTS = FOLDER / "alerts.yaml"


def dashboard() -> Any:
    return json.loads((FOLDER / "relayload.json").read_text(encoding="utf-8"))


def expressions() -> Iterator[tuple[str, str]]:
    """Every query of the dashboard with the title of its panel, as Grafana sends it for one run and 30 seconds."""
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            asked = target["expr"].replace("$__rate_interval", "30s").replace("$run_id", "run")
            assert "$" not in asked, asked
            yield panel["title"], asked


def rules() -> Iterator[Any]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


def names(expression: str) -> set[str]:
    """The metrics that an expression names."""
    return set(re.findall(r"(?<!\w)relayload_\w+", re.sub(r'"[^"]*"', '""', expression)))
