"""The published page of real gateways has no number of its own."""

from pathlib import Path

import gateways
import msgspec
import pytest

from relayload.core.overhead.findings import Overhead

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = sorted((DOCS / "gateways").glob("*.json"))


def test_the_page_is_made_of_the_results_beside_it() -> None:
    assert RESULTS
    assert (DOCS / "gateways.md").read_text().splitlines() == list(gateways.page(DOCS / "gateways"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_was_measured_to_its_end_and_names_the_version_of_its_gateway(path: Path) -> None:
    found = msgspec.json.decode(path.read_bytes(), type=Overhead)
    assert found.ended_by is None
    assert path.stem.rpartition("-")[0] in found.versions
    assert found.phases
