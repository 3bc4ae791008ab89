import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from support import present

from relayload.core.traffic.batches import Batches
from relayload.profile.compose import Composer
from relayload.profile.plan import arrivals, batch_arrivals, batches, plan

PAGE = Path(__file__).parents[2] / "docs" / "targets.md"
SHARED = """\
targets:
  direct: {base_url: fake://direct, api_key: sk-direct, share: 3}
  relay: {api_key: "${env:RELAY_KEY}", headers: {x-team: "${env:TEAM}"}, models: {o3: gpt-o3}}
"""
PAIRED = SHARED.replace(", share: 3", "") + "compare: interleaved\n"
SECRETS = {"RELAY_KEY": "sk-hidden-relay", "TEAM": "hidden-team"}
LONG = "arrivals: constant\n  stages: [{for: 200s, rate: 10/s}]"


@pytest.fixture
def several(read, good):
    """The profile of targets, with a longer load."""

    def several(targets: str, *sets: str):
        text = good.replace("stages:\n    - {for: 10s, rate: 5/s}", LONG)
        assert LONG in text
        return read(text + targets, *sets, environ=SECRETS)

    return several


def test_one_target_is_called_target(read, good):
    profile = read(good)
    assert list(profile.named_targets) == ["target"]
    assert (profile.several, profile.paired) == (False, False)
    assert {Composer(profile).job(arrival).target for arrival in arrivals(profile)} == {"target"}


def test_each_of_several_targets_has_its_own_name_key_and_settings(several):
    profile = several(SHARED)
    assert list(profile.named_targets) == ["direct", "relay"]
    direct, relay = profile.named_targets.values()
    assert (direct.fake_preset, relay.fake_preset) == ("direct", "o-series")
    assert [target.api_key.reveal() for target in (direct, relay)] == ["sk-direct", "sk-hidden-relay"]
    assert (profile.several, profile.paired) == (True, False)


def test_keys_and_headers_of_no_target_are_in_the_effective_profile(several):
    text = str(several(SHARED).effective)
    assert all(secret not in text for secret in (*SECRETS.values(), "sk-direct"))
    assert text.count("'api_key': '***'") == 2


def test_arrivals_are_shared_out_in_proportion(several):
    profile = several(SHARED)
    composer = Composer(profile)
    counts = Counter(composer.job(arrival).target for arrival in arrivals(profile))
    assert counts["direct"] + counts["relay"] == 2000
    assert counts["direct"] / 2000 == pytest.approx(0.75, abs=0.03)


def test_targets_change_neither_when_nor_what_is_asked(several, read, good):
    alone = read(good.replace("stages:\n    - {for: 10s, rate: 5/s}", LONG))
    shared = several(SHARED.replace("models: {o3: gpt-o3}", ""))
    assert list(arrivals(alone)) == list(arrivals(shared))
    for arrival in list(arrivals(alone))[:50]:
        assert Composer(alone).job(arrival).request() == Composer(shared).job(arrival).request()


def test_a_comparison_sends_each_arrival_to_every_target_word_for_word(several):
    profile = several(PAIRED)
    composer, sent = Composer(profile), list(arrivals(profile))
    pairs = list(zip(sent[::2], sent[1::2], strict=True))
    assert len(pairs) == 2000
    for one, other in pairs[:50]:
        assert (one.index, one.intended_at_s) == (other.index, other.intended_at_s)
        assert {composer.job(one).target, composer.job(other).target} == {"direct", "relay"}
        bodies = {composer.job(each).target: composer.job(each).request().body for each in (one, other)}
        assert bodies["direct"]["messages"] == bodies["relay"]["messages"]


def test_the_rows_of_a_session_go_to_one_target(several):
    profile = several(SHARED.replace(", share: 3", ""))
    composer = Composer(profile)
    first = next(arrivals(profile))
    sessions = {
        session: {composer.job(_of_session(first, index, session)).target for index in range(5)}
        for session in "abcdefgh"
    }
    assert all(len(targets) == 1 for targets in sessions.values())
    assert {target for targets in sessions.values() for target in targets} == {"direct", "relay"}


def _of_session(arrival, index, session):
    return type(arrival)(index, arrival.intended_at_s, 0, 0, session=session)


def test_a_target_may_have_names_of_its_own_for_models(several):
    profile = several(PAIRED)
    composer = Composer(profile)
    for arrival in list(arrivals(profile))[:20]:
        asked = {"direct": "o3", "relay": "gpt-o3"}[composer.job(arrival).target]
        assert (composer.job(arrival).request().model, composer.job(arrival).model) == (asked, "o3")


def test_a_batch_sends_each_of_its_requests_to_every_target_one_after_the_other(several, good):
    profile = several(PAIRED, "load={kind: batch, requests: 50, batch_size: 10, max_concurrent: 1}")
    assert batches(profile, profile.load) == Batches(100, 20, 1)
    arrival = batch_arrivals(profile, profile.load)
    sent = [arrival(place, 0.5) for place in range(100)]
    assert [(each.index, each.intended_at_s) for each in sent] == [(place // 2, 0.5) for place in range(100)]
    assert all({one.target, other.target} == {0, 1} for one, other in zip(sent[::2], sent[1::2], strict=True))
    assert {each.target for each in sent[::2]} == {0, 1}
    assert present(plan(profile).total).arrivals == 100


def test_randomised_targets_have_an_order_that_the_seed_draws(several):
    targets = PAIRED.replace("interleaved", "randomised")
    first, again, other = (several(targets, f"seed={seed}") for seed in (1, 1, 2))
    orders = [[arrival.target for arrival in arrivals(profile)] for profile in (first, again, other)]
    assert orders[0] == orders[1] != orders[2]
    assert first.paired


def test_a_model_is_paid_by_the_name_that_its_target_has_for_it(several):
    priced = PAIRED.replace(
        "gpt-o3}", "gpt-o3}, prices: {gpt-o3: {input: $2, output: $8}, o3: {input: $9, output: $9}}"
    )
    assert several(priced).named_targets["relay"].known_prices["o3"].input == Decimal(2)


def test_a_plan_counts_the_requests_to_every_target(several):
    assert present(plan(several(SHARED)).total).arrivals == 2000
    assert present(plan(several(PAIRED)).total).arrivals == 4000


def test_limits_hold_for_each_target(read, good):
    load = "limits: {per_second: 4}\n  stages: [{for: 20s, rate: 10/s}]"
    profile = read(
        good.replace("stages:\n    - {for: 10s, rate: 5/s}", load) + "targets: {a: {}, b: {}}\n", "compare=interleaved"
    )
    for target in (0, 1):
        due_at_s = [arrival.intended_at_s for arrival in arrivals(profile) if arrival.target == target]
        assert max(sum(1 for other in due_at_s if at <= other < at + 1 - 1e-9) for at in due_at_s) == 4


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("targets: {}", ["targets: at least one is needed, such as relay: {base_url: https://relay.example.com/v1}"]),
        (
            "targets: {Relay: {}}",
            ["targets.Relay: expected a name of a-z, 0-9, '-' and '_' that begins with a letter, got 'Relay'"],
        ),
        ("targets: {relay: {shrae: 1}}", ["targets.relay.shrae: unknown key; did you mean 'share'?"]),
        (
            "targets: {a: {share: 0}, b: {}}",
            ["targets.a.share: expected a number above 0, got '0'; leave out a target that is not to be asked"],
        ),
        ("target: {}\ntargets: {relay: {}}", ["targets: leave out either this or target"]),
        ("compare: interleaved", ["compare: needs two targets or more: write them under targets"]),
        (
            "targets: {relay: {}}\ncompare: interleaved",
            ["compare: needs two targets or more: write them under targets"],
        ),
        ("targets: {a: {}, b: {}}\ncompare: pairs", ["compare: expected 'interleaved' or 'randomised', got 'pairs'"]),
        (
            "targets: {a: {share: 2}, b: {}}\ncompare: interleaved",
            ["targets.a.share: every target is sent everything: leave this out, or leave out compare"],
        ),
        (
            "targets: {a: {base_url: 'fake://nothing'}, b: {base_url: 'https://x.test/v1'}}",
            [
                "targets.a.base_url: there is no preset 'nothing'; known: direct, dishonest, honest, limited, "
                "o-series, outage, slots, tenants",
                "targets.b.base_url: 'x.test' is not this machine; to send load there, write guardrails: {allow_hosts: "
                "[x.test], max_requests: 20000, max_duration: 30m, max_usd: $5}",
            ],
        ),
        (
            "targets: {a: {models: {o33: x}}, b: {}}",
            ["targets.a.models.o33: no scenario asks for 'o33'; did you mean 'o3'?"],
        ),
        (
            "targets: {a: {}, b: {}}\nobjectives: ['ttft{target=c}.p50 < 1s', 'ttft{target=a}.p50 < 1s']",
            ["objectives.0 (1st objective): unknown target 'c': expected one of a, b"],
        ),
        (
            "objectives: ['ttft{target=a}.p50 < 1s']",
            ["objectives.0 (1st objective): there is one target: leave out 'target=a'"],
        ),
    ],
)
def test_faults_of_targets_are_told(faults, good, more, expected):
    assert [fault.split(": ", 1)[1] for fault in faults(f"{good}{more}\n")] == expected


def test_a_closed_load_cannot_be_compared(faults, good):
    closed = good.replace("kind: open", "kind: closed\n  users: 2").replace(", rate: 5/s", "")
    told = faults(f"{closed}targets: {{a: {{}}, b: {{}}}}\ncompare: interleaved\n")
    assert [fault.split(": ", 1)[1] for fault in told] == [
        "compare: needs load.kind: open or batch, where arrivals are those of all"
    ]


def test_prices_and_certificates_of_every_target_are_looked_at(faults, good):
    more = """\
targets:
  a: {prices: mine.yaml}
  b: {base_url: "https://127.0.0.1:1/v1", tls: {ca_file: none.pem}}
"""
    told = [fault.split(": ", 2)[1] for fault in faults(good + more)]
    assert told == ["targets.a.prices", "targets.b.tls.ca_file"]


def test_a_plan_prices_requests_by_their_targets(several):
    priced = """\
targets:
  dear: {prices: {any: {input: $30, output: $0}}, share: 1}
  cheap: {prices: {any: {input: $10, output: $0}}, share: 3}
"""
    bounded = "scenarios.simple.max_output_tokens=10"
    shared = present(plan(several(priced, bounded)).total)
    assert shared.max_usd == pytest.approx(Decimal(15) * shared.input_tokens / 1_000_000)
    paired = present(
        plan(several(priced.replace(", share: 1", "").replace(", share: 3", ""), bounded, "compare=interleaved")).total
    )
    assert paired.max_usd == pytest.approx(Decimal(20) * paired.input_tokens / 1_000_000)
    free = present(plan(several(priced.replace("prices: {any: {input: $30, output: $0}}, ", ""), bounded)).total)
    assert free.max_usd is None


def test_a_plan_says_which_part_each_target_gets(several, read, good):
    assert plan(read(good)).targets is None
    assert (plan(several(SHARED)).targets, plan(several(SHARED)).paired) == ({"direct": 0.75, "relay": 0.25}, False)
    assert (plan(several(PAIRED)).targets, plan(several(PAIRED)).paired) == ({"direct": 0.5, "relay": 0.5}, True)


def test_the_examples_of_the_page_are_profiles(read, good):
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S)]
    assert len(blocks) == 3
    environ = dict.fromkeys(("EU_KEY", "US_KEY", "TEAM_A_KEY", "TEAM_B_KEY"), "sk-some")
    for block in blocks:
        targets = block.get("targets") or {"target": block["target"]}
        for target in targets.values():
            if not target["base_url"].startswith("fake://"):
                target["base_url"] = "http://127.0.0.1:1/v1"  # others need bounds
        profile = read(good + yaml.safe_dump(block, sort_keys=False), environ=environ)
        assert list(profile.named_targets) == list(targets)
