import re
import shlex
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner

from relayload.cli import main
from relayload.core.resilience.guard import Caps, FusePolicy
from relayload.profile import load

PAGE = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")


def test_the_profile_of_the_page_is_one_and_its_fuse_has_the_values_that_hold_without_it(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "priced.yaml"
    path.write_text(example, encoding="utf-8")
    profile = load(path, environ={"RELAY_API_KEY": "sk-1"})
    assert profile.guardrails.caps == Caps(1000, Decimal(3))
    assert profile.guardrails.fuse_for(profile.target) == FusePolicy()


def test_the_command_of_the_page_prints_what_stands_below_it():
    command, printed = re.search(r"```sh\n(relayload cost.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL).groups()
    assert CliRunner().invoke(main, shlex.split(command)[1:]).output == printed
