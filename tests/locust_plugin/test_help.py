"""Our options in Locust's help."""

from pathlib import Path

import pytest
from support import LOCUSTFILE, Start

OPTIONS = ("--relay-profile FILE", "--relay-set PATH=VALUE", "--relay-out DIR", "--relay-metrics-port PORT")


@pytest.mark.parametrize("flag", ["--help", "-h", "--relay-help"])
def test_locusts_help_lists_our_options_for_our_locustfile(start: Start, flag: str) -> None:
    process = start("locust", "-f", LOCUSTFILE, flag, anew=True)
    assert process.wait() == 0, process.output
    for option in ("--headless", *OPTIONS):
        assert option in process.output


def test_so_it_does_where_a_config_file_names_the_locustfile(start: Start, tmp_path: Path) -> None:
    (tmp_path / "locust.conf").write_text(f"locustfile = {LOCUSTFILE}\n")
    process = start("locust", "--help", anew=True)
    assert process.wait() == 0, process.output
    assert OPTIONS[0] in process.output


def test_locusts_help_leaves_them_out_for_another_locustfile(start: Start, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("from locust import User\n")
    process = start("locust", "-f", tmp_path / "own.py", "--help", anew=True)
    assert process.wait() == 0, process.output
    assert "--headless" in process.output
    assert "relay" not in process.output.replace(str(tmp_path), "")
