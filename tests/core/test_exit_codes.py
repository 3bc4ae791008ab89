import re
from signal import Signals

from support import ROOT

from relayload.core.exit_codes import ExitCode


def test_the_readme_tells_every_exit_code() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    table = page[page.index("| exit code |") :].split("\n\n")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", table, re.M)
    assert {int(code) for cell in cells for code in cell.split(",")} == set(ExitCode)


def test_a_signal_is_128_and_its_number() -> None:
    assert {code.name: code.value for code in ExitCode if code > 128} == {
        name: 128 + Signals[name] for name in ("SIGHUP", "SIGINT", "SIGTERM")
    }
