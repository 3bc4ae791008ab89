import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from relayload.cli import main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    "audit.md",
    "capacity.md",
    "ci.md",
    "compare.md",
    "long-runs.md",
    "metrics.md",
    "overhead.md",
    "report.md",
    "targets.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_page_names_is_one(page: str):
    text = (DOCS / page).read_text(encoding="utf-8")
    commands = re.findall(r"relayload (export \w+|[\w-]+)((?: [^\n`|]+)?)", text)
    assert commands
    for verb, rest in commands:
        shown = CliRunner().invoke(main, [*verb.split(), "--help"]).stdout
        assert not [option for option in re.findall(r"--[a-z-]+", rest) if option not in shown], (verb, rest)


@pytest.mark.parametrize("page", PAGES)
def test_every_yaml_of_a_page_can_be_read(page: str):
    for block in re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S):
        assert isinstance(yaml.safe_load(block), dict)


def _verbs(group: click.Group, *above: str) -> Iterator[str]:
    """Every verb that takes options; those of a group with its name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield from _verbs(command, *above, name) if isinstance(command, click.Group) else (" ".join((*above, name)),)


@pytest.mark.parametrize("verb", list(_verbs(main)))
def test_every_option_of_a_verb_is_told_on_some_page(verb: str):
    told = "".join(page.read_text(encoding="utf-8") for page in (DOCS.parent / "README.md", *DOCS.glob("*.md")))
    options = re.findall(r"--[a-z][a-z-]*", CliRunner().invoke(main, [*verb.split(), "--help"]).stdout)
    assert options
    assert not [option for option in options if not re.search(rf"{option}(?![a-z-])", told)]
