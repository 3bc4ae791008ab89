import re
import shlex
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner
from support import present

from relayload import prices
from relayload.cli import main
from relayload.core.resilience.guard import Caps, FusePolicy
from relayload.profile import load

PAGE = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")


def test_the_profile_of_the_page_is_one_and_its_fuse_has_the_values_that_hold_without_it(tmp_path):
    example, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "priced.yaml"
    path.write_text(example, encoding="utf-8")
    profile = load(path, environ={"RELAY_API_KEY": "sk-1"})
    assert profile.guardrails.caps == Caps(1000, Decimal(3))
    assert profile.guardrails.fuse_for(profile.target) == FusePolicy()


def test_the_price_list_of_the_page_is_one(tmp_path, monkeypatch):
    _, example = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "our-prices.yaml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    listed = prices.read("our-prices.yaml").prices
    assert list(listed) == ["o3", "o4", "any"]
    assert (listed["o4"].cached_input, listed["o4"].reasoning) == (Decimal("0.60"), Decimal("9.00"))
    command = ["cost", "--input-tokens", "1M", "--output-tokens", "1M", "--price", "our-prices.yaml:o3"]
    assert "$10.50" in CliRunner().invoke(main, command).output


def test_the_command_of_the_page_prints_what_stands_below_it():
    command, printed = present(re.search(r"```sh\n(relayload cost.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)).groups()
    assert CliRunner().invoke(main, shlex.split(command)[1:]).output == printed
