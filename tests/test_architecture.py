"""docs/architecture.md is a map of the package as it stands."""

import re
import tomllib

import pytest
from support import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`([\w./-]+(?:/|\.py|\.md|\.toml))`", PAGE)))
LAYERS = [
    contract["layers"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    if contract["type"] == "layers"
]


@pytest.mark.parametrize("path", PATHS)
def test_every_path_on_the_page_exists(path: str) -> None:
    places = [folder / path for folder in (ROOT, ROOT / "relayload")]
    assert any(place.is_dir() if path.endswith("/") else place.is_file() for place in places)


def test_every_link_of_the_page_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []


@pytest.mark.parametrize(("number", "within"), [(0, ""), (1, "core/")])
def test_its_floors_are_those_that_import_linter_checks(number: int, within: str) -> None:
    tables = [table.splitlines() for table in re.findall(r"^\| floor .*\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.M)]
    shown = [re.findall(r"`([^`]+)`", row.split("|")[1]) for row in tables[number]]
    checked = [layer.replace("relayload.", "").split(" | ") for layer in LAYERS[number]]
    assert [[name.removeprefix(within).rstrip("/").removesuffix(".py") for name in row] for row in shown] == checked


def test_every_room_is_on_the_page() -> None:
    package = ROOT / "relayload"
    rooms = {file.parent.relative_to(package).as_posix() for file in package.glob("*/__init__.py")}
    rooms |= {file.parent.relative_to(package).as_posix() for file in package.glob("core/*/__init__.py")}
    assert {room for room in rooms if f"`{room}/`" not in PAGE} == set()
