"""Prints on stdout, by its width, colours and encoding."""

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
    """Print a value as a table, or as JSON. `render` takes the value and a `screen`."""
    if as_json:
        print_json(value)
    else:
        print_table(partial(render, value))


def print_table(render: Callable[..., str]) -> None:
    """Print what `render` draws for stdout's `screen`, in colours if stdout shows them."""
    screen = Screen.of(sys.stdout)
    click.echo(render(screen=screen), nl=False, color=screen.color)


def print_json(value: Any) -> None:
    """Print a value as a JSON document, in any encoding."""
    import msgspec

    print_json_text(msgspec.json.format(msgspec.json.encode(value)).decode() + "\n")


def print_failure(exit_code: int, faults: Sequence[Fault]) -> None:
    """Print why there is no result, as the only JSON document on stdout."""
    print_json({"exit_code": exit_code, "faults": [asdict(fault) for fault in faults]})


def print_json_text(text: str) -> None:
    """Print a text that is a JSON document."""
    click.echo(json_for(text, sys.stdout.encoding or "ascii"), nl=False)
