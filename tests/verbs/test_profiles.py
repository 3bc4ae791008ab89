"""`relayload profiles` and `relayload locustfile`."""

import json
from pathlib import Path

from click.testing import CliRunner

import relayload
from relayload.cli import main
from relayload.profile.ready_profiles import listed, locustfile


def test_the_ready_profiles_are_listed_in_80_columns() -> None:
    result = CliRunner().invoke(main, ["profiles"])
    lines = result.stdout.splitlines()
    assert [line.split("  ")[0] for line in lines] == [profile.name for profile in listed()]
    assert all(line.endswith(profile.title) for line, profile in zip(lines, listed(), strict=True))
    assert max(map(len, lines)) <= 80
    assert "relayload init FILE --from NAME" in result.stderr


def test_programs_are_told_what_each_needs_and_where_it_is() -> None:
    found = {
        profile["name"]: profile for profile in json.loads(CliRunner().invoke(main, ["profiles", "--json"]).stdout)
    }
    assert found["mooncake"]["needs"] == ["MOONCAKE_TRACE"]
    assert Path(found["spike"]["file"]).read_text(encoding="utf-8").splitlines()[2] == f"# {found['spike']['title']}"


def test_the_path_of_the_locustfile_is_all_that_is_printed() -> None:
    result = CliRunner().invoke(main, ["locustfile"])
    assert result.stdout == f"{locustfile()}\n"
    assert "load_users" in locustfile().read_text(encoding="utf-8")


def test_the_public_names_are_listed_and_all_are_there() -> None:
    assert {"RelayClient", "__version__"} <= set(dir(relayload)) & set(relayload.__all__)
    assert relayload.RelayClient.__name__ == "RelayClient"
