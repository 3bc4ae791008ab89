"""Several keys of one target: what a profile may say of them, who goes with which, and that they are never shown."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from relayload.core.errors import AuthorError
from relayload.core.model.amounts import MOST_KEYS
from relayload.core.traffic.arrivals import Arrival
from relayload.profile import load
from relayload.profile.compose import Composer
from relayload.profile.forecast import forecast
from relayload.profile.parcel import packed, unpacked

ENVIRON = {"KEY_A": "sk-aaaa-do-not-tell", "KEY_B": "tenant/b:secret"}
KEYS = "target: {keys: [{name: a, key: '${env:KEY_A}', share: 3}, {name: b, key: '${env:KEY_B}'}]}\n"


@pytest.fixture
def keyed(read, good):
    return lambda more="", *sets: read(good + KEYS + more, *sets, environ=ENVIRON)


def arrivals(count: int, **more: Any) -> list[Arrival]:
    return [Arrival(index, 0.0, 0, 0, **more) for index in range(count)]


def keys_of(profile: Any, asked: list[Arrival]) -> list[str | None]:
    composer = Composer(profile)
    return [composer.job(each).addressee.key for each in asked]


def test_a_request_goes_with_one_key_drawn_by_share_whoever_sends_it(keyed):
    profile, asked = keyed(), arrivals(4000)
    drawn = keys_of(profile, asked)
    assert drawn == keys_of(profile, asked[::-1])[::-1]
    assert Counter(drawn)["a"] == pytest.approx(3000, abs=110), "four standard deviations"
    assert drawn != keys_of(keyed("seed: 1\n"), asked)


def test_other_shares_leave_everything_else_as_it_was(keyed):
    one, other = Composer(keyed()), Composer(keyed("", "target.keys.1.share=90"))
    for each in arrivals(50):
        assert one.job(each).request() == other.job(each).request()


BY_STAGE = """\
name: bursts
load:
  kind: open
  arrivals: constant
  stages: [{name: calm, for: 10s, rate: 4/s}, {name: burst, for: 10s, rate: 32/s}, {name: after, for: 10s, rate: 4/s}]
scenarios: {simple: {model: o3, prompt: simple}}
target: {keys: [{name: loud, key: sk-1, share: {burst: 15}}, {name: quiet, key: sk-2, share: {after: 0}}]}
"""


def test_a_share_may_differ_by_stage(read):
    profile = read(BY_STAGE)
    by_stage = [keys_of(profile, [Arrival(n, 0.0, stage, 0) for n in range(1600)]) for stage in (0, 1, 2)]
    calm, burst, after = (Counter(keys) for keys in by_stage)
    assert calm["quiet"] == pytest.approx(800, abs=80), "four standard deviations"
    assert burst["quiet"] == pytest.approx(100, abs=40)
    assert after == {"loud": 1600}
    objectives = [f"requests{{key=quiet, stage={name}}}.count > 0" for name in ("calm", "burst")]
    found = forecast(read(f"{BY_STAGE}objectives: {objectives}\n")).objectives
    assert [each.samples for each in found] == [20, 20]
    (fault,) = forecast_faults(read(f"{BY_STAGE}objectives: ['errors{{key=quiet, stage=after}}.rate < 50%']\n"))
    assert "needs 2 requests to be decided, and the plan has 0" in fault


def forecast_faults(profile: Any) -> list[str]:
    with pytest.raises(AuthorError) as caught:
        forecast(profile)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ("{brust: 15}", "target.keys.0.share.brust: unknown stage 'brust': did you mean 'burst'?"),
        ("{after: 0}", "target.keys: no key has a share in the stage 'after'"),
        ("{burst: -1}", "target.keys.0.share.burst: "),
    ],
)
def test_a_share_by_stage_that_can_not_be_is_a_fault(faults, share, message):
    (fault,) = faults(BY_STAGE.replace("{burst: 15}", share))
    assert message in fault


def test_a_session_goes_with_one_key(keyed):
    profile = keyed()
    for session in range(20):
        assert len(set(keys_of(profile, arrivals(10, session=str(session))))) == 1
    assert set(keys_of(profile, [Arrival(0, 0.0, 0, 0, session=str(number)) for number in range(40)])) == {"a", "b"}


def test_an_arrival_that_goes_to_several_targets_has_a_key_of_the_same_name_at_each(read, good):
    keys = KEYS.removeprefix("target: ").strip()
    text = f"{good}targets: {{one: {keys}, two: {keys}}}\ncompare: interleaved\n"
    composer = Composer(read(text, environ=ENVIRON))
    for index in range(50):
        both = [composer.job(Arrival(index, 0.0, 0, 0, target=number)).addressee for number in (0, 1)]
        assert both[0].key == both[1].key
        assert [each.name for each in both] == ["one", "two"]


def test_a_profile_names_its_keys_and_an_api_key_has_no_name(keyed, read, good):
    profile = keyed()
    assert profile.key_names == ("a", "b")
    assert profile.target.named_keys == {"a": ENVIRON["KEY_A"], "b": ENVIRON["KEY_B"]}
    assert profile.target.key_shares() == profile.target.key_shares("any") == {"a": 0.75, "b": 0.25}
    assert read(good).target.named_keys == {None: "sk-fake"}
    assert read(good).key_names == ()
    assert keys_of(read(good), arrivals(3)) == [None] * 3


def test_an_extending_profile_replaces_the_key_of_its_base_by_several(good, tmp_path):
    (tmp_path / "base.yaml").write_text(good + "target: {api_key: sk-base}\n")
    path = tmp_path / "tenants.yaml"
    path.write_text("extends: base.yaml\ntarget: {api_key: null, keys: [{name: a, key: sk-x}]}\n")
    assert load(path, environ={}).key_names == ("a",)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("api_key: sk-x, keys: [{name: a, key: sk-y}]", "p.yaml:8:9: target: leave out either api_key or keys"),
        ("keys: []", "p.yaml:8:16: target.keys: expected at least one value"),
        (
            "keys: [{name: a, key: sk-x}, {name: a, key: sk-y}]",
            "p.yaml:8:16: target.keys: two keys have the name 'a'",
        ),
        ("keys: [{name: a}]", "p.yaml:8:17: target.keys.0.key: is required"),
        (
            "keys: [{name: a, key: sk-x, share: 0}]",
            "p.yaml:8:45: target.keys.0.share: expected a number above 0, got '0'",
        ),
        ("keys: [{name: A, key: sk-x}]", "p.yaml:8:24: target.keys.0.name: expected a name of a-z"),
    ],
)
def test_a_fault_in_keys_has_its_place(faults, good, keys, message):
    (fault,) = faults(good + f"target: {{{keys}}}\n")
    assert fault.startswith(message)


def test_there_are_no_more_keys_than_can_have_tables_of_their_own(faults, good):
    keys = yaml.safe_dump([{"name": f"k{number}", "key": "sk-x"} for number in range(MOST_KEYS + 1)])
    (fault,) = faults(f"{good}target:\n  keys:\n{keys.replace('- ', '  - ').replace('  name', '    name')}")
    assert f"expected at most {MOST_KEYS} keys, since each has tables of its own, got {MOST_KEYS + 1}" in fault


SECRET = "x9F3-hidden-hidden-0123456789-hidden-hidden-hidden-hidden-hidden-hidden"


@pytest.mark.parametrize(
    "keys",
    [
        f"{{a: {SECRET}}}",
        f"[{SECRET}]",
        f"{SECRET}",
        f"{{a: {{key: {SECRET}, share: 2}}}}",
        f"[{{name: a, key: {SECRET}, share: none}}]",
        f"[{{name: a, kee: {SECRET}}}]",
        f"[{{name: a, key: [{SECRET}]}}]",
        f"[{{name: a, key: Bearer {SECRET}}}]",
        f"[[{SECRET}]]",
    ],
)
def test_no_fault_repeats_a_key_wherever_somebody_put_it(faults, good, keys):
    for target in (f"target: {{keys: {keys}}}", f"targets: {{r: {{keys: {keys}}}}}"):
        found = faults(f"{good}{target}\n")
        assert found
        assert not any("hidden" in fault for fault in found), found


def test_what_is_kept_of_a_profile_has_no_key(keyed):
    profile = keyed()
    shown = [repr(profile), str(profile.model_dump()), profile.model_dump_json(), yaml.safe_dump(profile.effective)]
    assert not any(key in text for text in (*shown, profile.canonical) for key in ENVIRON.values())
    assert [each["key"] for each in profile.effective["target"]["keys"]] == ["***", "***"]
    assert [each["name"] for each in profile.effective["target"]["keys"]] == ["a", "b"]


def test_keys_travel_as_references_and_the_other_host_has_its_own(keyed, tmp_path: Path):
    parcel = packed(keyed()).parcel
    sent = msgspec.msgpack.encode(parcel)
    assert not any(key.encode() in sent for key in ENVIRON.values())
    there = unpacked(parcel, tmp_path, {"KEY_A": "sk-other", "KEY_B": "sk-more"})
    assert there.target.named_keys == {"a": "sk-other", "b": "sk-more"}
    with pytest.raises(AuthorError, match="the environment variable KEY_B is not set"):
        unpacked(parcel, tmp_path, {"KEY_A": "sk-other"})


def test_shares_by_stage_are_kept_and_travel(read, tmp_path: Path):
    text = BY_STAGE.replace("sk-1", "'${env:KEY_A}'").replace("sk-2", "'${env:KEY_B}'")
    profile = read(text, environ=ENVIRON)
    assert profile.effective["target"]["keys"][0]["share"] == {"burst": 15}
    assert unpacked(packed(profile).parcel, tmp_path, ENVIRON).target == profile.target


def test_a_key_in_the_profile_does_not_travel(read, good):
    profile = read(good + f"target: {{keys: [{{name: a, key: {SECRET}}}]}}\n")
    with pytest.raises(AuthorError) as caught:
        packed(profile)
    (fault,) = caught.value.faults
    assert (fault.path, fault.line) == ("target.keys.0.key", 8)
    assert "hidden" not in str(fault)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (
            "target: {keys: [{name: a, key: sk-0123456789abcdef}]}",
            "target.keys.0.key: warning: a key in plain text, for whoever reads this file: put the key into the "
            "variable RELAY_A_KEY, and write key: ${env:RELAY_A_KEY}",
        ),
        (
            "targets: {eu: {keys: [{name: team-a, key: sk-0123456789abcdef}]}}",
            "targets.eu.keys.0.key: warning: a key in plain text, for whoever reads this file: put the key into the "
            "variable EU_TEAM_A_KEY, and write key: ${env:EU_TEAM_A_KEY}",
        ),
        ("target: {keys: [{name: a, key: <key>}]}", "target.keys.0.key: warning: a placeholder, which is sent as it"),
        ("target: {keys: [{name: a, key: $KEY}]}", "target.keys.0.key: warning: '$KEY' is sent as it stands: for"),
        ("target: {keys: [{name: a, key: '{{KEY}}'}]}", "for the variable write ${env:KEY}"),
    ],
)
def test_a_key_in_plain_text_is_warned_of(read, good, target, told):
    (caution,) = read(f"{good}{target}\n").cautions
    assert told in str(caution)
    assert "0123456789" not in str(caution)


def test_a_key_is_no_argument(faults, good):
    (fault,) = faults(good + KEYS, f"target.keys.0.key={SECRET}", environ=ENVIRON)
    assert fault.startswith("--set: target.keys.0.key: everybody on this machine can read arguments")
    (fault,) = faults(good, f"target.keys=[{{name: a, key: {SECRET}}}]")
    assert "everybody on this machine can read arguments" in fault
    assert "hidden" not in fault


def test_the_variable_of_a_key_stands_nowhere_else(faults, good):
    (fault,) = faults(good.replace("name: chat", "name: chat ${env:KEY_B}") + KEYS, environ=ENVIRON)
    assert fault == "p.yaml:1:7: name: KEY_B is part of a secret, an api_key or a header: it may stand nowhere else"


def test_an_objective_names_one_of_the_keys(keyed, faults, good):
    profile = keyed("objectives: ['errors{key=a}.rate < 1%', 'ttft{key!=b}.p50 < 1s']\n")
    assert [str(tag) for objective in profile.objectives for tag in objective.tags] == ["key=a", "key!=b"]
    (fault,) = faults(
        good + KEYS.replace("name: a,", "name: team-a,") + "objectives: ['errors{key=tema-a}.rate < 1%']\n",
        environ=ENVIRON,
    )
    assert fault == "p.yaml:9:14: objectives.0 (1st objective): unknown key 'tema-a': did you mean 'team-a'?"
    (fault,) = faults(good + "objectives: ['errors{key=a}.rate < 1%']\n")
    assert fault.endswith("there is no key with a name, as target.keys has: leave out 'key=a'")


def test_the_samples_of_an_objective_are_those_of_its_key(keyed):
    text = "objectives: ['errors{key=a}.rate < 50%', 'errors{key=b}.rate < 50%', errors.rate < 50%]\n"
    a, b, everything = forecast(keyed(text)).objectives
    assert (a.samples, b.samples, everything.samples) == (38, 13, 51)


@pytest.mark.parametrize(
    ("client", "names"),
    [
        ("{}", {"target"}),
        ("{quota: {requests: 60/min}}", {"target"}),
        ("{quota: {requests: 60/min, per: key}}", {"target/a", "target/b"}),
        ("{quota: from_headers}", {"target/a", "target/b"}),
    ],
)
def test_a_quota_is_that_of_the_target_unless_each_key_is_to_have_one(keyed, client, names):
    profile = keyed(f"client: {client}\n")
    assert set(profile.quota_limits) == names
    assert len(set(profile.quota_limits.values())) == 1


def test_an_objective_names_the_breaker_of_a_key(keyed, faults, good):
    breaker = "client: {breaker: {scope: key}}\nobjectives: ['breaker{scope=%s}.trips == 0']\n"
    assert keyed(breaker % "a").objectives
    (fault,) = faults(good + KEYS + breaker % "o3", environ=ENVIRON)
    assert "unknown scope 'o3': expected one of a, b" in fault


@pytest.mark.parametrize(
    ("part", "place"), [("breaker: {scope: key}", "27"), ("quota: {requests: 1/s, per: key}", "38")]
)
def test_nothing_is_one_for_each_key_where_keys_have_no_names(faults, good, part, place):
    (fault,) = faults(f"{good}client: {{{part}}}\n")
    key = part.partition(":")[0]
    name = "scope" if key == "breaker" else "per"
    assert fault == f"p.yaml:8:{place}: client.{key}.{name}: needs keys with names: write them as target.keys"
