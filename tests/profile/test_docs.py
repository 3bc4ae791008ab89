import json
import re
from itertools import islice
from pathlib import Path

import pytest

from relayload.core.traffic.arrivals import Arrival
from relayload.profile import load
from relayload.profile.compose import Composer
from relayload.profile.plan import arrivals, plan

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "scenarios.md"
PROMPTS = DOCS / "prompts.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(("example", "scenarios"), list(zip(EXAMPLES, (8, 1), strict=True)))
def test_each_example_of_the_page_is_a_profile_whose_requests_can_be_composed(tmp_path, example, scenarios):
    path = tmp_path / "scenarios.yaml"
    path.write_text(example, encoding="utf-8")
    profile = load(path, environ={})
    composer = Composer(profile)
    sent = {arrival.scenario: composer.job(arrival).request() for arrival in arrivals(profile)}
    assert len(sent) == len(profile.scenarios) == scenarios
    assert plan(profile).total is not None


def test_the_example_of_one_profile_on_top_of_another_is_a_profile(tmp_path):
    text = (DOCS / "profiles.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "nightly.yaml"
    path.write_text(example, encoding="utf-8")
    profile = load(path, environ={})
    assert profile.name == "nightly"
    assert "proof" not in profile.scenarios


TRACES = {
    "azure.csv": "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    + "".join(f"2023-11-16 18:{minute:02}:00.5,{minute + 20},9\n" for minute in range(60)),
    "requests.csv": "sent_at,prompt_tokens,completion_tokens,model,kind,chat_id\n"
    "2024-05-10T08:00:00.25Z,30,4,o4,ask,7\n",
    "requests.jsonl": '{"t": 5, "in": 600, "out": 3, "ids": [1, 2]}\n',
}
LOADS = re.findall(r"```yaml\n(.*?)```", (DOCS / "load.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", LOADS)
def test_every_example_of_a_load_is_one(tmp_path, example):
    for name, content in TRACES.items():
        (tmp_path / name).write_text(content)
    prompt = "" if "ids" in example else ", prompt: simple"
    path = tmp_path / "load.yaml"
    path.write_text(f"name: load\n{example}scenarios:\n  ask: {{model: o3{prompt}}}\n", encoding="utf-8")
    profile = load(path, environ={})
    planned = plan(profile)
    assert planned.users == 20 or (planned.total is not None and planned.total.arrivals > 0), planned
    composer = Composer(profile)
    assert all(composer.job(arrival).request().body for arrival in islice(arrivals(profile), 100))


def test_the_page_of_loads_shows_every_kind():
    shown = "".join(LOADS)
    assert len(LOADS) == 8
    assert all(word in shown for word in ("closed", "gamma", "bursts", "steps", "pause", "repeat", "cooldown", "loop"))


def test_the_data_set_of_the_page_on_prompts_is_sent_as_conversations(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PROMPTS.read_text(encoding="utf-8"), re.DOTALL)
    said = [("human", "Hello"), ("gpt", "Hi"), ("human", "Why?")]
    row = {"conversations": [{"from": who, "value": what} for who, what in said]}
    (tmp_path / "ShareGPT_V3_unfiltered_cleaned_split.json").write_text(json.dumps([row]))
    (tmp_path / "p.yaml").write_text(example)
    composer = Composer(load(tmp_path / "p.yaml", environ={}))
    shared, talks = (Arrival(0, 0.0, 0, number) for number in range(2))
    assert [len(composer.job(each).request().messages) for each in (shared, talks)] == [3, 1]
    assert [composer.job(each).turns for each in (shared, talks)] == [1, 2]
