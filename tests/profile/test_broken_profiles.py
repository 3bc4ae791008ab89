"""Ready profiles, broken in one place: whoever breaks one is told where and how, and nobody ever sees a traceback.

Every profile is broken at every key by every means and tried through the command line, as a person would; mostly a
fixed sample of each means. The schema must not be stricter than that.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from relayload import document
from relayload.cli import main
from relayload.core.errors import AuthorError
from relayload.document import Location
from relayload.profile.schema import schema_text

PROFILES = Path(__file__).parents[2] / "profiles"
FAULT = re.compile(r"p\.yaml:\d+:\d+: ((?P<path>[^: ]+)(?: \(\d+\w\w objective\))?: )?\S.{5,}")
FREE_NAMES = ("scenarios", "targets", "models", "body", "headers", "variables", "model")
"""Mappings whose keys the author chooses."""
AMOUNT = re.compile(r"\d+(\.\d+)?(?P<unit>ms|s|m|h|/s|/min|%)")
TOO_MANY = "999999999999/s"
"""A rate that is one, of a run that ends in no time that anybody has."""
WRONG_UNITS = {
    **dict.fromkeys(
        ("ms", "s", "m", "h"), ("10", "10 parsecs", "-3s", "ten seconds", "9" * 400 + "s", "1:30", "5/s", "''")
    ),
    **dict.fromkeys(("/s", "/min"), ("20rps", "5", "-5/s", "5/fortnight", "9" * 400 + "/s", "10s", "999999999999/s")),
    "%": ("5", "150%", "-1%", "half", "1/s"),
}
WRONG_NUMBERS = ("many", -1, "1e999", ".nan", "9" * 320, "0x10", "５.5.5", "!!int 5", "2023-01-01")
TRAPS = ("no", "Yes", "on", "010", "1:30", "12:30:45")
NONSENSE = ("!!python/name:os.system x", "*nowhere", "{", "${nowhere}", "${env:NOWHERE_AT_ALL}", '"\\ud800"', "&a [*a]")
REQUIRED = ("load", "kind", "scenarios", "model", "for")


Text = Callable[[], str]
"""Made when it is wanted: there are thousands."""


@dataclass(frozen=True)
class Broken:
    """A profile's text with one thing wrong; `path` is where the fault has to be told, None where anywhere will do."""

    profile: str
    means: str
    made: Text
    path: str | None

    @property
    def text(self) -> str:
        return self.made()

    def __str__(self) -> str:
        return f"{self.profile}: {self.means} at {self.path}"


def places(value: Any, location: Location = ()) -> Iterator[tuple[Location, Any]]:
    """Every value with its place, those in bodies and the like left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*location, key), item
        yield from places(item, (*location, key))


def put(data: Any, location: Location, value: Any) -> str:
    """The profile as text with another value there; text goes in as it is, without quotes."""
    changed = deepcopy(data)
    parent = at(changed, location[:-1])
    parent[location[-1]] = "@@@" if isinstance(value, str) else value
    return yaml.safe_dump(changed, sort_keys=False).replace("'@@@'", value if isinstance(value, str) else "")


def at(data: Any, location: Location) -> Any:
    for key in location:
        data = data[key]
    return data


def without(data: Any, location: Location) -> str:
    changed = deepcopy(data)
    del at(changed, location[:-1])[location[-1]]
    return yaml.safe_dump(changed, sort_keys=False)


def renamed(data: Any, location: Location, name: str) -> str:
    changed = deepcopy(data)
    parent = at(changed, location[:-1])
    items = {name if key == location[-1] else key: item for key, item in parent.items()}
    parent.clear()
    parent.update(items)
    return yaml.safe_dump(changed, sort_keys=False, allow_unicode=True)


def written_twice(data: Any, location: Location) -> str:
    text = renamed(data, location, "@@@")
    return re.sub(
        "(?m)^([ -]*)'@@@':",
        lambda match: f"{match[1]}{location[-1]}: 1\n{' ' * len(match[1])}{location[-1]}:",
        text,
    )


def chosen(location: Location) -> bool:
    """The key there is a name that the author chooses."""
    return len(location) > 1 and location[-2] in FREE_NAMES


def breaks_of_a_key(data: Any, location: Location) -> Iterator[tuple[str, Text, str]]:
    """(means, text, path of the fault): what can be wrong with a key that has a meaning."""
    key = str(location[-1])
    path = ".".join(map(str, location))
    misspelt = key[:-1] + ("q" if key[-1] != "q" else "z")
    yield "duplicate key", partial(written_twice, data, location), path
    yield "misspelt key", partial(renamed, data, location, misspelt), path[:-1] + misspelt[-1]
    yield "unicode in a key", partial(renamed, data, location, f"{key}é"), f"{path}é"
    if key in REQUIRED:
        yield "deleted key", partial(without, data, location), path
        yield "null", partial(put, data, location, None), path


def breaks_of_a_part(data: Any, location: Location, value: Any) -> Iterator[tuple[str, Text, str]]:
    """What can be wrong with a mapping or a list."""
    path = ".".join(map(str, location))
    if location[-1] != "model":  # a text is one model
        yield "text for a part", partial(put, data, location, "nonsense"), path
    if location[-1] in ("load", "scenarios", "prompt"):
        yield "empty part", partial(put, data, location, type(value)()), path


def breaks_of_a_value(data: Any, location: Location, value: Any) -> Iterator[tuple[str, Text, str | None]]:
    """What can be wrong with a single value."""
    path = ".".join(map(str, location))
    amount = AMOUNT.fullmatch(str(value))
    number = isinstance(value, int) and not isinstance(value, bool)
    wrong_units = list(WRONG_UNITS[amount["unit"]]) if amount else []
    if "stages" not in location:  # such as a quota, which may be as high as one likes
        wrong_units = [wrong for wrong in wrong_units if wrong != TOO_MANY]
    wrong_numbers = (("many", "1.5") if location[-1] == "seed" else WRONG_NUMBERS) if number else ()
    for means, wrongs in (("YAML trap", TRAPS), ("wrong unit", wrong_units), ("wrong number", wrong_numbers)):
        for wrong in wrongs:
            yield means, partial(put, data, location, wrong), path if wrong != TOO_MANY else "load.stages"
    for nonsense in NONSENSE:
        yield "nonsense", partial(put, data, location, nonsense), None
    yield "list for a value", partial(put, data, location, [[]]), path
    yield "mapping for a value", partial(put, data, location, {"zzz": {}}), None


def breaks(profile: str, data: Any) -> Iterator[Broken]:
    """Everything that can be wrong in one place of a profile."""
    for location, value in places(data):
        single = not isinstance(value, dict | list)
        found = list(breaks_of_a_value(data, location, value) if single else breaks_of_a_part(data, location, value))
        if isinstance(location[-1], str) and not chosen(location):
            found += breaks_of_a_key(data, location)
        for means, made, path in found:
            yield Broken(profile, means, made, path)


def all_breaks() -> list[Broken]:
    found: list[Broken] = []
    for path in sorted(PROFILES.glob("*.yaml")):
        found += breaks(path.stem, document.load(path).data)
    return found


MEANS = (
    "duplicate key",
    "misspelt key",
    "unicode in a key",
    "deleted key",
    "null",
    "empty part",
    "text for a part",
    "list for a value",
    "mapping for a value",
    "wrong unit",
    "wrong number",
    "YAML trap",
    "nonsense",
)
EACH = 6


@pytest.fixture(scope="module")
def breaks_by_means():
    found = all_breaks()
    by_means = {means: [broken for broken in found if broken.means == means] for means in MEANS}
    assert sum(map(len, by_means.values())) == len(found) > 3000
    return by_means


@pytest.fixture
def check(tmp_path, monkeypatch, shipped_environ) -> Callable[[str], list[str]]:
    """Runs `relayload check` on a text; the lines that it complains in, nothing where it does not."""
    for name, value in shipped_environ.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "p.yaml"

    def run(text: str) -> list[str]:
        path.write_text(text, encoding="utf-8")
        done = CliRunner().invoke(main, ["check", str(path)])
        assert done.exit_code in (0, 2), (text, done.exception)
        assert "Traceback" not in done.output
        return done.stderr.replace(f"{tmp_path}/", "").splitlines() if done.exit_code else []

    return run


@pytest.mark.parametrize("means", MEANS)
def test_a_broken_profile_is_refused_and_the_fault_is_told_where_it_is(means, breaks_by_means, check):
    assert not_well_told(random.Random(means).sample(breaks_by_means[means], EACH), check) == {}


@pytest.mark.slow
@pytest.mark.parametrize("means", MEANS)
def test_so_is_each_of_thousands_of_broken_profiles(means, breaks_by_means, check):
    assert not_well_told(breaks_by_means[means], check) == {}


def not_well_told(chosen, check) -> dict[str, list[str]]:
    return {str(broken): told for broken in chosen if not well_told(told := check(broken.text), broken)}


def well_told(told: list[str], broken: Broken) -> bool:
    """Every line has its place, and one of them tells what was broken."""
    faults = [FAULT.fullmatch(line) for line in told]
    paths = [fault["path"] or "" for fault in faults if fault]
    found = broken.path is None or any(path == broken.path or path.startswith(f"{broken.path}.") for path in paths)
    return bool(faults) and all(faults) and found


def test_the_schema_admits_whatever_the_check_admits(breaks_by_means, check):
    chosen = [broken for group in breaks_by_means.values() for broken in random.Random(1).sample(group, EACH)]
    assert refused_by_the_schema_alone(chosen, check) == []


@pytest.mark.slow
@pytest.mark.parametrize("means", MEANS)
def test_the_schema_admits_each_of_thousands_that_the_check_admits(means, breaks_by_means, check):
    assert refused_by_the_schema_alone(breaks_by_means[means], check) == []


def refused_by_the_schema_alone(chosen, check) -> list[str]:
    validator = Draft202012Validator(json.loads(schema_text()))
    written = {broken: document.parse(broken.text, "p.yaml") for broken in chosen if is_yaml(broken.text)}
    refused = [broken for broken, read in written.items() if not validator.is_valid(read.data)]
    return [str(broken) for broken in refused if not check(broken.text)]


def is_yaml(text: str) -> bool:
    try:
        return not document.parse(text, "p.yaml").faults
    except AuthorError:
        return False
