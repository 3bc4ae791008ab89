"""The pictures of README and docs: those that the script makes, and no others."""

import importlib.util
import re
from types import ModuleType

import pytest
from support import ROOT

FOLDER = ROOT / "docs" / "pictures"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PICTURE = re.compile(
    r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)">\s*'
    r'<img src="([^"]+)" alt="([^"]+)"(?: width="\d+")?>\s*</picture>'
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_pictures", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_lists_the_files_that_are_there(script: ModuleType):
    assert sorted(script.files()) == sorted(path.name for path in FOLDER.glob("*.png"))


def test_each_is_a_small_png(script: ModuleType):
    for path in FOLDER.glob("*.png"):
        data = path.read_bytes()
        assert data.startswith(b"\x89PNG\r\n\x1a\n"), path
        assert len(data) <= script.MOST_BYTES, path


def test_every_picture_of_a_page_exists_in_both_colours_and_says_what_it_shows(script: ModuleType):
    shown = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        found = PICTURE.findall(text)
        assert len(found) == text.count("<img") == text.count("<source"), page
        assert "![" not in text, page
        for dark, light, alt in found:
            name = light.removesuffix("-light.png")
            assert dark == f"{name}-dark.png", page
            assert len(alt) > 20, (page, light)
            assert (page.parent / light).resolve().parent == FOLDER
            shown.append((page.parent / light).name)
            assert (page.parent / light).is_file()
            assert (page.parent / dark).is_file()
    assert {name.removesuffix("-light.png") for name in shown} == set(script.PICTURES)
