"""From the rows of a trace to the requests that are sent."""

import json
from itertools import takewhile

import pytest

from relayload.core.traffic.prompts import CHAT_TOKENS
from relayload.profile.compose import Composer
from relayload.profile.plan import arrivals, plan
from relayload.profile.tokenizer import count_tokens

STAGES = "stages:\n    - {for: 10s, rate: 5/s}"
PROMPT = ", prompt: simple"


@pytest.fixture
def replay(read, good, tmp_path):
    """A profile that replays lines of JSON with the given options, whose scenarios have no prompts."""

    def replay(options: str, *lines: dict, scenarios: str = "", stages: str = "[]"):
        (tmp_path / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        text = good.replace(STAGES, f"arrivals: {{trace: t.jsonl, {options}}}\n  stages: {stages}").replace(PROMPT, "")
        return read(text + scenarios)

    return replay


def text_of(composer: Composer, arrival) -> str:
    (message,) = composer.job(arrival).request().body["messages"]
    return message["content"]


def row(at_ms: int, tokens: int, blocks: list[int]) -> dict:
    return {"timestamp": at_ms, "input_length": tokens, "output_length": 9, "hash_ids": blocks}


def test_prompts_of_mooncake_share_as_many_blocks_as_their_ids(replay):
    profile = replay(
        "format: mooncake",
        row(0, 1600, [4, 5, 6, 7]),
        row(10, 1300, [4, 5, 9]),
        row(20, 600, [5, 4]),
        row(30, 1600, [4, 5, 6, 7]),
    )
    composer = Composer(profile)
    first, second, third, again = (text_of(composer, arrival) for arrival in arrivals(profile))
    assert [count_tokens(text) + CHAT_TOKENS for text in (first, second, third)] == [1600, 1300, 600]
    common = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    assert count_tokens(common) == pytest.approx(1024, abs=2)
    assert third[:40] != first[:40]
    assert again == first


def test_what_the_ids_of_a_row_do_not_cover_is_like_no_other(replay):
    profile = replay("format: mooncake", row(0, 2000, [1]), row(10, 2000, [1]))
    one, other = (text_of(Composer(profile), arrival) for arrival in arrivals(profile))
    assert [count_tokens(text) + CHAT_TOKENS for text in (one, other)] == [2000, 2000]
    assert one[:2000] == other[:2000]
    assert one != other


def test_the_same_profile_sends_the_same_blocks_whoever_sends_them(replay):
    profile = replay("format: mooncake", *[row(number, 1500, [number, 1, 2]) for number in range(20)])
    one, other = Composer(profile), Composer(profile)
    sent = list(arrivals(profile))
    assert [text_of(one, arrival) for arrival in sent] == [text_of(other, arrival) for arrival in sent[::-1]][::-1]


def session_row(at_s: float, tokens: int, who: str | None, **more: object) -> dict:
    return {"at": at_s, "in": tokens, "who": who, **more}


SESSIONS = "format: jsonl, columns: {at: at, input_tokens: in, session: who}"


def test_a_later_prompt_of_a_session_continues_the_earlier_one(replay):
    rows = (session_row(0, 700, "a"), session_row(1, 900, "b"), session_row(2, 1500, "a"), session_row(3, 900, None))
    profile = replay(SESSIONS, *rows)
    composer = Composer(profile)
    first, other, later, alone = (text_of(composer, arrival) for arrival in arrivals(profile))
    assert later.startswith(first)
    assert [count_tokens(text) + CHAT_TOKENS for text in (first, other, later, alone)] == [700, 900, 1500, 900]
    assert len({first[:60], other[:60], alone[:60]}) == 3


def test_a_session_keeps_its_scenario_and_its_model(replay):
    rows = [session_row(number, 50, str(number % 40)) for number in range(400)]
    profile = replay(SESSIONS, *rows, scenarios="  other: {weight: 2, model: {x: 1, y: 1}}\n")
    composer = Composer(profile)
    seen: dict[str | None, set[tuple[int, str]]] = {}
    for arrival in arrivals(profile):
        seen.setdefault(arrival.session, set()).add((arrival.scenario, composer.job(arrival).model))
    assert all(len(kinds) == 1 for kinds in seen.values())
    kinds = [kind for (kind,) in seen.values()]
    assert 18 <= sum(scenario == 1 for scenario, _ in kinds) <= 34
    assert {model for _, model in kinds} == {"o3", "x", "y"}


def test_a_row_says_which_scenario_and_which_model_it_asks(replay):
    columns = "{at: at, input_tokens: in, scenario: kind, model: llm}"
    rows = (session_row(0, 50, None, kind="other", llm="m1"), session_row(1, 50, None, kind="simple", llm=None))
    profile = replay(f"format: jsonl, columns: {columns}", *rows, scenarios="  other: {model: x}\n")
    composer = Composer(profile)
    told = [(arrival.scenario, composer.job(arrival).request().body["model"]) for arrival in arrivals(profile)]
    assert told == [(1, "m1"), (0, "o3")]


def test_a_trace_of_times_alone_takes_prompts_and_budgets_from_the_scenarios(read, good, tmp_path):
    (tmp_path / "t.csv").write_text("when\n5\n6\n")
    options = "arrivals: {trace: t.csv, format: csv, columns: {at: when}}\n  limits: {per_minute: 1}"
    profile = read(good.replace(STAGES, options), "scenarios.simple.max_output_tokens=70")
    assert [arrival.intended_at_s for arrival in arrivals(profile)] == [0.0, pytest.approx(60.02)]
    planned = plan(profile)
    assert planned.total is not None
    assert (planned.total.output_tokens, planned.total.max_output_tokens, planned.held_back) == (None, 140, 1)
    assert planned.total.input_tokens > 20


def test_a_loop_goes_on_until_its_stages_end(replay):
    rows = [session_row(number, 50, None) for number in range(3)]
    profile = replay(f"{SESSIONS}, loop: true, speed: 10", *rows, stages="[{for: 1950ms}]")
    told = [arrival.intended_at_s for arrival in arrivals(profile)]
    assert told == pytest.approx([number / 10 for number in range(20)])


def test_the_seed_draws_the_sample(replay):
    rows = [session_row(number, 50, None) for number in range(400)]
    profile = replay(f"{SESSIONS}, sample: 25%", *rows)
    one = [arrival.intended_at_s for arrival in arrivals(profile)]
    other = [arrival.intended_at_s for arrival in arrivals(profile.model_copy(update={"seed": 5}))]
    assert 70 < len(one) < 130
    assert one != other
