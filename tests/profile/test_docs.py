import re
from pathlib import Path

from relayload.profile import load
from relayload.profile.compose import Composer
from relayload.profile.plan import arrivals, plan

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "scenarios.md"


def test_the_example_of_the_page_is_a_profile_whose_requests_can_be_composed(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "scenarios.yaml"
    path.write_text(example, encoding="utf-8")
    profile = load(path, environ={})
    composer = Composer(profile)
    sent = {arrival.scenario: composer.request(arrival) for arrival in arrivals(profile)}
    assert len(sent) == len(profile.scenarios) == 7
    assert plan(profile).total is not None


def test_the_example_of_one_profile_on_top_of_another_is_a_profile(tmp_path):
    text = (DOCS / "profiles.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "nightly.yaml"
    path.write_text(example.replace("../profiles", str(DOCS.parent / "profiles")), encoding="utf-8")
    profile = load(path, environ={})
    assert profile.name == "nightly"
    assert "proof" not in profile.scenarios
