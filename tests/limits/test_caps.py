"""What a search may spend."""

from pathlib import Path

import pytest

from relayload.limits.caps import Caps, Options, caps_of, chosen, models_of, terms_of
from relayload.profile.loading import load

PROFILE = """\
name: mine
target: {base_url: fake://direct, models: {o3: openai/o3}, prices: {o3: {input: $2, output: $8}}}
load: {kind: open, stages: [{name: steady, for: 10s, rate: 1/s}]}
scenarios:
  one: {model: o3, prompt: simple}
  two: {model: o3, prompt: code}
"""


@pytest.fixture
def caps(tmp_path: Path):
    def found(options: Options, *sets: str) -> Caps:
        (tmp_path / "p.yaml").write_text(PROFILE)
        profile = load(tmp_path / "p.yaml", sets)
        return caps_of(profile, chosen(profile, None)[1], options)

    return found


def test_the_models_are_those_that_the_target_knows(tmp_path: Path):
    (tmp_path / "p.yaml").write_text(PROFILE)
    profile = load(tmp_path / "p.yaml")
    assert models_of(profile, profile.target) == ("openai/o3",)


def test_the_worst_case_is_told_in_requests_tokens_dollars_and_time(caps):
    assert str(caps(Options(max_requests="1k", max_tokens="50k", max_time="2m"))) == (
        "at worst 1,000 requests, 50,000 tokens, $0.40 and 2m; at most 64 at once"
    )
    assert str(caps(Options())).startswith("at worst 3,000 requests, 1,000,000 tokens, $1.00 and 10m;")
    assert str(caps(Options(max_usd="$0.02"))).startswith("at worst 3,000 requests, 1,000,000 tokens, $0.0200 and 10m;")


def test_guardrails_hold_where_they_are_lower(caps):
    guarded = caps(Options(max_requests="1k"), "guardrails={max_requests: 200, max_usd: $0.10, max_duration: 30s}")
    assert (guarded.requests, str(guarded.usd), guarded.time_s) == (200, "0.10", 30.0)
    terms = terms_of(guarded, models=3, keys=1, tokens=False)
    assert (terms.max_requests, terms.models, terms.keys, terms.long_input_tokens) == (200, 2, 1, ())
