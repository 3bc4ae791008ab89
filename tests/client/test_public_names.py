"""What `relayload` exports, and what it takes to import it."""

import re
import subprocess
import sys

import pytest
from support import PATIENCE_S, ROOT

import relayload

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def printed(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    return done.stdout


def test_the_page_lists_exactly_the_public_names() -> None:
    listed = re.findall(r"^\|(?: –)* `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(listed) == sorted(relayload.__all__)
    assert set(relayload.__all__) <= set(dir(relayload))


def test_each_place_that_the_page_names_is_a_heading() -> None:
    places = re.findall(r"\]\(([\w-]+\.md)#([\w-]+)\)", PAGE)
    assert len(places) > 10
    for page, anchor in places:
        headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_dashes_of_the_page_are_the_tree_of_errors() -> None:
    above: list[type] = []
    for dashes, name in re.findall(r"^\|((?: –)*) `(\w+)` \| [^|]+ \|$", PAGE, re.MULTILINE):
        error = getattr(relayload, name)
        above[dashes.count("–") :] = [error]
        assert error.__bases__ == ((above[-2],) if len(above) > 1 else (Exception,))


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    heavy = "[name for name in ('gevent', 'locust', 'msgspec', 'openai', 'pydantic') if name in sys.modules]"
    assert printed(f"import sys, relayload; print({heavy})") == "[]\n"


def test_every_name_is_there_and_only_those_for_locustfiles_import_locust() -> None:
    script = """
import sys
import relayload

free = set(relayload.__all__) - {"RelayUser", "load_users"}
missing = {name for name in free if not hasattr(relayload, name)}
from gevent import monkey
print(missing, monkey.saved, "locust" in sys.modules, "openai" in sys.modules)
"""
    assert printed(script) == "set() {} False False\n"


def test_another_name_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'relayload' has no attribute 'RelayCleint'"):
        _ = relayload.RelayCleint  # type: ignore[attr-defined] # that it is missing is the point
