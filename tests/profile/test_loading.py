import hashlib
import json
import random
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relayload.core.errors import AuthorError
from relayload.profile import load

SECRET = "sk-5ecret-of-mine"
PROFILES = Path(__file__).parents[2] / "profiles"


def test_a_file_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(AuthorError) as caught:
        load(tmp_path / "absent.yaml")
    assert str(caught.value).startswith(f"{tmp_path / 'absent.yaml'}: cannot be read: No such file or directory; ")


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but a comment\n"])
def test_an_empty_file_is_a_fault(faults, text):
    assert faults(text) == ["p.yaml: the file is empty"]


def test_what_is_no_mapping_is_a_fault(faults):
    assert faults("- 1\n") == ["p.yaml:1:1: expected a mapping, got a list"]


BAD = [
    (
        "max_in_flght: 5",
        "  stages:",
        "  max_in_flght: 5\n  stages:",
        ["p.yaml:4:3: load.max_in_flght: unknown key; did you mean 'max_in_flight'?"],
    ),
    ("wrong type", "name: chat", "name: [chat]", ["p.yaml:1:7: name: expected a valid string, got a list"]),
    (
        "missing unit of a duration",
        "for: 10s",
        "for: 10",
        ["p.yaml:5:13: load.stages.0.for: expected a duration such as '800ms', '30s' or '1h30m', got '10'"],
    ),
    (
        "missing unit of a rate",
        "5/s",
        "20rps",
        ["p.yaml:5:24: load.stages.0.rate: expected a rate such as '5/s' or '300/min', got '20rps'"],
    ),
    ("duplicate key", "name: chat", "name: chat\nname: two", ["p.yaml:2:1: name: written twice; first in line 1"]),
    (
        "unset variable",
        "model: o3",
        "model: '${env:MODEL}'",
        [
            "p.yaml:7:19: scenarios.simple.model: the environment variable MODEL is not set: "
            "set it, or write ${env:MODEL:-default}"
        ],
    ),
    (
        "weight of zero",
        "{model: o3",
        "{weight: 0, model: o3",
        [
            "p.yaml:7:20: scenarios.simple.weight: expected a number above 0, got '0'; "
            "leave out a scenario that is not to be sent"
        ],
    ),
    (
        "negative rate",
        "rate: 5/s",
        "rate: -5/s",
        [
            "p.yaml:5:24: load.stages.0.rate: must not be negative: "
            "expected a rate such as '5/s' or '300/min', got '-5/s'"
        ],
    ),
    (
        "a word of YAML 1.1",
        "model: o3",
        "model: no",
        ["p.yaml:7:19: scenarios.simple.model: 'no' is false in YAML 1.1: write false, or 'no' in quotes for the word"],
    ),
    ("no kind of load", "  kind: open\n", "", ["p.yaml:2:1: load.kind: is required"]),
    (
        "unknown kind of load",
        "kind: open",
        "kind: opne",
        ["p.yaml:3:9: load.kind: expected 'open', 'closed' or 'batch', got 'opne'; did you mean 'open'?"],
    ),
    (
        "unknown arrivals",
        "kind: open",
        "kind: open\n  arrivals: poison",
        ["p.yaml:4:13: load.arrivals: unknown arrivals 'poison'; did you mean 'poisson'?"],
    ),
    (
        "unknown driver",
        "name: chat",
        "name: chat\ndriver: nativ",
        ["p.yaml:2:9: driver: expected 'native' or 'openai', got 'nativ'; did you mean 'native'?"],
    ),
    (
        "a load that is no mapping",
        "load:\n  kind: open\n  stages:\n    - {for: 10s, rate: 5/s}",
        "load: open",
        ["p.yaml:2:7: load: expected a mapping, got 'open'"],
    ),
    (
        "limits without a limit",
        "kind: open",
        "kind: open\n  limits: {}",
        ["p.yaml:4:11: load.limits: expected per_second, per_minute or both"],
    ),
    (
        "no scenarios",
        "  simple: {model: o3, prompt: simple}",
        "  {}",
        ["p.yaml:7:3: scenarios: at least one is needed, such as simple: {model: o3, prompt: simple}"],
    ),
    (
        "a scenario's name that makes no class",
        "simple: {model",
        "2nd: {model",
        [
            "p.yaml:7:3: scenarios.2nd: expected a name of a-z, 0-9, '-' and '_' that begins with a letter, got '2nd'",
        ],
    ),
    (
        "a keyword for a scenario",
        "simple: {model",
        "class: {model",
        ["p.yaml:7:3: scenarios.class: 'class' can't name a class: choose another name"],
    ),
    (
        "unknown prompt",
        "prompt: simple",
        "prompt: simpel",
        ["p.yaml:7:31: scenarios.simple.prompt: unknown prompt 'simpel'; did you mean 'simple'?"],
    ),
    (
        "a path for a name",
        "name: chat",
        "name: ../chat",
        ["p.yaml:1:7: name: expected a short name in one line, without '/'"],
    ),
    (
        "a stage's name that no objective could name",
        "{for: 10s",
        "{name: 'a b', for: 10s",
        ["p.yaml:5:14: load.stages.0.name: expected letters, digits, '-', '_' and '.', got 'a b'"],
    ),
    (
        "a client's retries without a name",
        "name: chat\n",
        "name: chat\nclient: {retry: 3}\n",
        ["p.yaml:2:17: client.retry: expected a mapping, got '3'"],
    ),
    (
        "an objective",
        "name: chat",
        "name: chat\nobjectives:\n  - tftt.p99 < 1s\n  - {expr: ttft.p99 < 120}\n  - 5",
        [
            "p.yaml:3:5: objectives.0 (1st objective): unknown metric 'tftt': did you mean 'ttft.p99 < 1s'?",
            "p.yaml:4:12: objectives.1.expr (2nd objective): ttft.p99: expected a duration such as '800ms', '30s' "
            "or '1h30m', got '120'; did you mean 'ttft.p99 < 120ms'?",
            "p.yaml:5:5: objectives.2 (3rd objective): expected an objective such as 'ttft.p99 < 800ms', got '5'",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_fault_is_told_with_its_place_and_what_to_write(faults, good, old, new, expected):
    assert old in good
    assert faults(good.replace(old, new, 1)) == expected


def test_all_faults_come_at_once_in_the_order_of_the_file(faults):
    told = faults("""\
name: chat
target: {base_url: 'https://relay.test/v1', api_key: '${env:KEY}'}
load:
  kind: open
  arrivals: poisson
  max_in_flight: many
  stages:
    - {name: a, for: 10, rate: 5/s}
    - {name: a, for: 10s, rate: -5/s, rat: 1}
    - {for: 1s}
scenarios:
  simple: {weight: 0, model: o3, prompt: simple, prompt: code}
objectives: ['ttft{stage=b}.p99 < 1s']
""")
    assert [line.split(": ")[:2] for line in told] == [
        ["p.yaml:2:20", "target.base_url"],
        ["p.yaml:2:54", "target.api_key"],
        ["p.yaml:6:18", "load.max_in_flight"],
        ["p.yaml:8:22", "load.stages.0.for"],
        ["p.yaml:9:14", "load.stages.1.name"],
        ["p.yaml:9:33", "load.stages.1.rate"],
        ["p.yaml:9:39", "load.stages.1.rat"],
        ["p.yaml:10:7", "load.stages.2.rate"],
        ["p.yaml:12:20", "scenarios.simple.weight"],
        ["p.yaml:12:50", "scenarios.simple.prompt"],
        ["p.yaml:13:14", "objectives.0 (1st objective)"],
    ]


def test_values_can_be_set_from_outside_and_hold_variables(read, good):
    profile = read(good, "load.stages.0.rate=${env:RATE}", "seed=3", environ={"RATE": "7/s"})
    assert profile.effective["load"]["stages"] == [{"for": "10s", "rate": "7/s"}]
    assert profile.seed == 3


def test_a_variable_that_is_overridden_need_not_be_set(read, good):
    assert read(good.replace("o3", "'${env:MODEL}'"), "scenarios.simple.model=o4").scenarios["simple"].model == "o4"


def test_the_fault_of_an_override_points_there(faults, good):
    assert faults(good, "load.stages.0.rate=5", "seeds=1") == [
        "--set: load.stages.0.rate: expected a rate such as '5/s' or '300/min', got '5'",
        "--set: seeds: unknown key; did you mean 'seed'?",
    ]


def test_the_effective_content_is_what_was_written_with_everything_in_place(read, good):
    text = good + "target:\n  base_url: ${env:URL:-fake://o-series}\n  api_key: ${env:KEY}\n"
    profile = read(text, "seed=5", environ={"KEY": SECRET})
    assert profile.effective == {
        "name": "chat",
        "load": {"kind": "open", "stages": [{"for": "10s", "rate": "5/s"}]},
        "scenarios": {"simple": {"model": "o3", "prompt": "simple"}},
        "target": {"base_url": "fake://o-series", "api_key": "***"},
        "seed": 5,
    }
    assert profile.source.name == "p.yaml"


def test_the_effective_content_reads_back_to_the_same_profile(read, good):
    first = read(good + "seed: ${env:SEED}\n", environ={"SEED": "12"})
    again = read(yaml.safe_dump(first.effective, sort_keys=False))
    assert again.sha256 == first.sha256
    assert again.model_dump() == first.model_dump()


def test_the_sha256_is_that_of_the_effective_content_without_the_key(read, good):
    text = good + "target:\n  api_key: ${env:KEY}\n"
    one, other = (read(text, environ={"KEY": key}) for key in ("sk-one", "sk-other"))
    canonical = json.dumps(one.effective, separators=(",", ":")).encode()
    assert one.sha256 == other.sha256 == hashlib.sha256(canonical).hexdigest()
    assert read(text, "seed=2", environ={"KEY": "sk-one"}).sha256 != one.sha256


def test_a_key_is_nowhere_but_where_it_is_revealed(read, good):
    profile = read(good + "target: {api_key: '${env:KEY}'}\n", environ={"KEY": SECRET})
    assert profile.target.api_key.reveal() == SECRET
    shown = [repr(profile), str(profile), str(profile.effective), profile.model_dump_json(), repr(profile.target)]
    assert not [text for text in shown if SECRET in text]
    assert SECRET not in yaml.safe_dump(profile.effective)


@pytest.mark.parametrize(
    "target",
    [
        "{api_key: '${env:KEY} '}",
        "{api_key: ['${env:KEY}']}",
        "{api_key: {is: '${env:KEY}'}}",
        "{api_key: '${env:KEY}', base_url: 'http://${env:KEY}@relay.test'}",
        "{api_key: '${env:KEY}', base_url: '${env:KEY}'}",
        "{base_url: '${env:KEY}'}",
        "{api_key: '${env:KEY}', base_url: 'fake://${env:OTHER}'}",
        "{api_key: '${env:KEY}', apikey: '${env:KEY}'}",
        "{api_key: '${env:KEY}', base_url: 'http://relay.test'}",
        "['${env:KEY}']",
    ],
)
def test_no_fault_tells_a_key(faults, good, target):
    told = faults(f"{good}target: {target}\n", environ={"KEY": SECRET, "OTHER": SECRET})
    assert told
    assert SECRET not in "".join(told)


def test_not_even_a_trap_of_yaml_tells_a_key(faults, good):
    assert faults(good + "target: {api_key: 012345}\n", "seed=x") == [
        "--set: seed: expected a whole number, got 'x'",
        "p.yaml:8:19: target.api_key: '***' is octal in YAML 1.1: drop the leading zero, or quote it",
    ]


SHIPPED = sorted(PROFILES.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_the_ready_profiles_have_no_faults(path, shipped_environ):
    profile = load(path, environ=shipped_environ)
    assert profile.name == path.stem
    assert profile.objectives


def mutated(text: str, rng: random.Random) -> str:
    """The text with a few lines, words or characters changed, as by a careless author."""
    for _ in range(rng.randint(1, 3)):
        text = rng.choice(MUTATIONS)(text, rng)
    return text


def _without_a_line(text, rng):
    lines = text.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return "".join(lines) or "x"


def _with_a_line_elsewhere(text, rng):
    lines = text.splitlines(keepends=True)
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    return "".join(lines)


def _with_a_word_replaced(text, rng):
    words = text.split(" ")
    words[rng.randrange(len(words))] = rng.choice(ODD_WORDS)
    return " ".join(words)


def _with_a_character_replaced(text, rng):
    place = rng.randrange(len(text))
    return text[:place] + rng.choice("{}[]:,-#&*!|>'\"%@`0a \n\t\0\ud7ff") + text[place + 1 :]


MUTATIONS = [_without_a_line, _with_a_line_elsewhere, _with_a_word_replaced, _with_a_character_replaced]
ODD_WORDS = ["null", "[]", "{}", "-1", "0", "1e999", ".nan", "no", "1:30", "${env:X}", "${", "9" * 320, "*x", "<<:"]
ODD_WORDS += ['"\\0"', '"\\ud800"', "x" * 5000, "!!int", "2023-01-01", "true", "0.0", "{trace: /, format: azure}"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(SHIPPED), st.integers(0, 2**32))
def test_a_mutated_profile_is_read_or_refused_and_nothing_else(tmp_path, shipped_environ, path, seed):
    text = mutated(path.read_text(encoding="utf-8"), random.Random(seed))
    file = tmp_path / "p.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    faults = None
    try:
        assert len(load(file, environ=shipped_environ).sha256) == 64
    except AuthorError as error:
        faults = error.faults
    assert faults is None or (faults and all(fault.message for fault in faults))


def test_more_arrivals_than_a_run_can_hold_are_a_fault(faults, good):
    assert faults(good.replace("5/s", "200000000/s")) == [
        "p.yaml:5:5: load.stages: 2,000,000,000 arrivals are more than one run can hold: "
        "shorten a stage, or lower its rate"
    ]


def test_a_misspelt_key_that_tells_kinds_apart_is_told_as_such(faults, good):
    assert faults(good.replace("kind:", "kinf:")) == ["p.yaml:3:3: load.kinf: unknown key; did you mean 'kind'?"]
