"""The catalog, the page that tells of it, and the conventions of Prometheus for names."""

import re
from pathlib import Path

import pytest

from relayload.report.metric_families import HISTOGRAMS, NUMBERS, PLACE, Family, Kind

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
LIVE_AND_IN_FILE = [*NUMBERS, *HISTOGRAMS.values()]
_ROW = re.compile(r"^\| `(relayload_\w+)` \| `([\w.]+)`(?: `(\S+)`)? \| (\w+) \| (.*?) ?\| ", re.M)


def _labels(family: Family) -> str:
    place = family.labels[: len(PLACE)] == PLACE
    own = family.labels[len(PLACE) :] if place else family.labels
    return ", ".join([*(["place"] if place else []), *(f"`{label}`" for label in own)])


def test_the_page_has_every_name_with_its_type_and_labels():
    told = {name: tuple(rest) for name, *rest in _ROW.findall(PAGE)}
    assert told == {
        family.name: (family.stem, family.unit, family.kind.value, _labels(family)) for family in LIVE_AND_IN_FILE
    }


@pytest.mark.parametrize("family", LIVE_AND_IN_FILE, ids=lambda family: family.stem)
def test_names_end_by_the_conventions(family: Family):
    assert re.fullmatch(r"relayload(_[a-z]+)+", family.name)
    assert family.name.endswith("_total") is (family.kind is Kind.COUNTER)
    assert family.help[0].isupper() or family.help[0].isdigit()
    assert family.help.endswith(".")


@pytest.mark.parametrize("family", LIVE_AND_IN_FILE, ids=lambda family: family.stem)
def test_a_collector_translates_the_name_for_opentelemetry_into_the_one_for_prometheus(family: Family):
    assert _translated(family) == family.name


def _translated(family: Family) -> str:
    """The name by the Prometheus compatibility page of OpenTelemetry's specification, with its suffixes."""
    name = re.sub(r"\W", "_", family.otel_name)
    counted, _, per = re.sub(r"\{.*?\}", "", family.unit).partition("/")
    unit = {"s": "seconds", "": ""}[counted] + {"s": "per_second", "": ""}[per]
    if not name.endswith(unit):
        name += f"_{unit}"
    return f"{name}_total" if family.kind is Kind.COUNTER else name
