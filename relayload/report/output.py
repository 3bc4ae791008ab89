"""Stdout, as it is: its width, its colours and its encoding."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import click

from relayload.core.errors import Fault
from relayload.report.ascii_fallback import json_for
from relayload.report.screen import Screen


def print_value(value: Any, as_json: bool, render: Callable[..., str]) -> None:
    """A value as its table, or as JSON for programs. `render` takes the value, and the `screen` it is drawn on."""
    if as_json:
        print_json(value)
    else:
        print_table(partial(render, value))


def print_table(render: Callable[..., str]) -> None:
    """What `render` draws for the `screen` that stdout is, in colours if it shows them."""
    screen = Screen.of(sys.stdout)
    click.echo(render(screen=screen), nl=False, color=screen.color)


def print_json(value: Any) -> None:
    """A value as a JSON document, in any encoding."""
    import msgspec

    print_json_text(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


def print_failure(exit_code: int, faults: Sequence[Fault]) -> None:
    """Why there is no result, as the JSON document that programs get in its place: always one document on stdout."""
    print_json({"exit_code": exit_code, "faults": [asdict(fault) for fault in faults]})


def print_json_text(text: str) -> None:
    """A JSON document that is text already."""
    click.echo(json_for(text, sys.stdout.encoding or "ascii"), nl=False)
