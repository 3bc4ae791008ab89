"""The built wheel, in an environment that is empty but for the libraries, far from the repository.

The libraries are those of the environment that runs the tests, so that nothing is fetched; relayload itself is not seen
there, since the path configuration of its editable install counts in its own environment alone.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from support import PATIENCE_S, ROOT

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))
SHORT = (
    "load.stages=[{name: warm, for: 250ms, rate: 20/s, warmup: true}, {name: steady, for: 1s, rate: 20/s}]",
    "objectives=[errors.rate < 50%]",
    "generator={late: 10s, late_share: 100%, loop_lag: 10s}",  # these tests are not about a busy machine
)

CHECK = """
import sys
from relayload.cli import main

for name in sys.argv[1:]:
    main(["check", name], standalone_mode=False)
"""
"""`relayload check` of several profiles, without a new Python for each."""


class Installed:
    """An environment with the wheel, and a folder to work in."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.wheel = wheel
        self.folder = folder
        self.bin = folder / "venv" / "bin"

    def __call__(self, command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run it in a shell, as somebody would who has just installed relayload."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env={**inherited, "PATH": f"{self.bin}:{os.environ['PATH']}", **environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("elsewhere")
    succeed(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    succeed(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python))
    succeed(*pip, "install", "-q", "--no-compile", "--no-deps", "--no-index", str(wheel))
    return Installed(wheel, folder)


def succeed(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_the_wheel_that_is_imported(installed: Installed) -> None:
    found = installed("python -c 'import relayload; print(relayload.__file__)'")
    assert found.stdout.startswith(str(installed.folder / "venv")), found.stderr


def test_the_quickstart_runs_by_its_name(installed: Installed) -> None:
    sets = " ".join(f"--set '{each}'" for each in SHORT)
    done = installed(f"relayload run quickstart --out run {sets}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout
    assert json.loads((installed.folder / "run" / "verdict.json").read_text())["verdict"] == "PASS"
    assert (installed.folder / "run" / "report.html").stat().st_size > 50_000


def test_locust_runs_the_locustfile_that_relayload_names(installed: Installed) -> None:
    sets = " ".join(f"--relay-set '{each}'" for each in SHORT)
    locustfile = 'python -m locust -f "$(relayload locustfile)"'
    done = installed(f"{locustfile} --headless --only-summary --relay-profile quickstart --relay-out swarm {sets}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((installed.folder / "swarm" / "verdict.json").read_text())["verdict"] == "PASS"


def with_traces(folder: Path) -> dict[str, str]:
    """The variables that ready profiles need, with traces of ten minutes at four rows a second."""
    times = [divmod(number / 4, 60) for number in range(2400)]
    azure = "".join(f"2023-11-16 18:{minute:02.0f}:{second:05.2f},9,9\n" for minute, second in times)
    (folder / "azure.csv").write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\n{azure}")
    row = '{{"timestamp": {}, "input_length": 9, "output_length": 9, "hash_ids": [1]}}\n'
    (folder / "mooncake.jsonl").write_text("".join(row.format(number * 250) for number in range(2400)))
    traces = {"AZURE_TRACE": "azure.csv", "AZURE_CODE_TRACE": "azure.csv", "MOONCAKE_TRACE": "mooncake.jsonl"}
    keys = {"OPENAI_API_KEY": "sk-test", "HOLYSHEEP_API_KEY": "sk-test"}
    return {**{name: str(folder / file) for name, file in traces.items()}, **keys}


def test_the_ready_profiles_are_listed_and_valid(installed: Installed) -> None:
    listed = json.loads(installed("relayload profiles --json").stdout)
    assert [profile["name"] for profile in listed] == NAMES
    done = installed(f"python -c '{CHECK}' {' '.join(NAMES)}", **with_traces(installed.folder))
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^(\S+) · .* · valid", done.stdout, re.MULTILINE) == NAMES


def test_a_copy_of_one_is_valid_and_names_the_schema_beside_it(installed: Installed) -> None:
    done = installed("relayload init mine.yaml --from spike && relayload check mine.yaml")
    assert done.returncode == 0, done.stderr
    assert json.loads((installed.folder / "relayload.schema.json").read_text())["title"] == "relayload profile"


def test_the_schema_is_printed_and_lies_where_the_ready_profiles_say(installed: Installed) -> None:
    printed = installed("relayload schema").stdout
    profile = Path(json.loads(installed("relayload profiles --json").stdout)[0]["file"])
    place = re.match(r"# yaml-language-server: \$schema=(.+)\n", profile.read_text())
    assert place
    assert (profile.parent / place[1]).read_text() == printed


def test_price_lists_and_presets_come_along(installed: Installed) -> None:
    compared = installed("relayload cost --input-tokens 10M --output-tokens 1M --compare direct:o3 holysheep:o3")
    assert compared.returncode == 0, compared.stderr
    names = set(zipfile.ZipFile(installed.wheel).namelist())
    assert {f"relayload/fakerelay/presets/{name}.yaml" for name in ("o-series", "direct", "limited", "outage")} <= names


def test_the_pictures_of_the_docs_stay_behind(installed: Installed) -> None:
    assert not [name for name in zipfile.ZipFile(installed.wheel).namelist() if name.endswith(".png")]


def test_a_type_checker_is_told_that_it_is_typed(installed: Installed) -> None:
    assert "relayload/py.typed" in zipfile.ZipFile(installed.wheel).namelist()


def test_the_public_names_are_seen_before_they_are_used(installed: Installed) -> None:
    found = installed("python -c 'import relayload, sys; print(dir(relayload), \"gevent\" in sys.modules)'").stdout
    assert "'RelayClient'" in found
    assert "'RelayUser'" in found
    assert found.endswith(" False\n")
