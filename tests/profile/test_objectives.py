from itertools import count

import pytest

from relayload.core.model.objective_options import DEFAULTS, NoData, ObjectiveOptions, Severity
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.objective import Objective

_LONG = (
    "{expr: 'ttft.p99 < 1s', id: tail, over: 30s, for: 2, abort: true, abort_after: 1m, confidence: 99%, "
    "on_no_data: inconclusive}"
)

_UNREAD = count(1)
"""Makes limits that no other test has."""


def _with(good: str, entry: str) -> str:
    return f"{good}objectives: [{entry}]\n"


def test_the_short_form_has_plain_terms(read, good):
    (objective,) = read(_with(good, "'ttft.p99 < 1s'")).objectives
    assert objective.options == DEFAULTS


@pytest.mark.parametrize(
    ("objectives", "own"),
    [
        ("'ttft.p99 < 1s', 'errors.rate < 1%'", ""),
        (f"{_LONG}, {{expr: 'latency.p50 < 1s', severity: warn}}", ""),
        ("'errors.rate < 1%'", ", objectives: [{expr: 'tpot.p50 < 1s', over: 10s}]"),
    ],
    ids=["short", "long", "of a scenario"],
)
def test_each_is_parsed_once(objectives: str, own: str, read, good, monkeypatch):
    parsed: list[str] = []

    def noted(text: str) -> Objective:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr("relayload.profile.objectives.parse", noted)
    text = _with(good, objectives).replace("prompt: simple}", f"prompt: simple{own}}}")
    text = text.replace("< 1", f"< 1.0{next(_UNREAD)}")
    assert len(read(text).objectives) == len(parsed) == 2


def test_what_is_wrong_with_one_is_told_beside_those_that_are_read(faults, good):
    entries = "'ttft.p99 < 1s', 'ttft.p99 > ', {expr: 'errors.rate < 1%', over: 1}, {expr: 'errors.rate < 2%'}"
    own = ", objectives: ['latency.p50 < 1s', {expr: 'cost.usd < $1', ovr: 1s}]"
    text = _with(good, entries).replace("prompt: simple}", f"prompt: simple{own}, wieght: 2}}")
    assert [fault.split(": ")[1] for fault in faults(text)] == [
        "scenarios.simple.objectives.1.ovr (2nd objective)",
        "scenarios.simple.wieght",
        "objectives.1 (2nd objective)",
        "objectives.2.over (3rd objective)",
    ]


def test_the_long_form_has_terms_of_its_own(read, good):
    (objective,) = read(_with(good, _LONG)).objectives
    assert objective.options == ObjectiveOptions(
        id="tail",
        over_s=30.0,
        for_windows=2,
        abort=True,
        abort_after_s=60.0,
        confidence=0.99,
        on_no_data=NoData.INCONCLUSIVE,
    )
    (warns,) = read(_with(good, "{expr: 'ttft.p99 < 1s', severity: warn, confidence: strict}")).objectives
    assert warns.options == ObjectiveOptions(severity=Severity.WARN, strict=True)


def test_an_objective_of_a_scenario_keeps_its_terms(read, good):
    text = good.replace("prompt: simple}", "prompt: simple, objectives: [{expr: 'ttft.p99 < 1s', over: 10s}]}")
    (objective,) = read(text).objectives
    assert (objective.text, objective.options.over_s) == ("ttft{scenario=simple}.p99 < 1s", 10.0)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "{expr: 'cost.usd < $1', over: 30s}",
            "objectives.0 (1st objective): cost.usd can't be told in windows: leave out 'over'",
        ),
        (
            "{expr: 'ttft.p99 < 1s', for: 2}",
            "objectives.0 (1st objective): 'for' counts windows: write 'over', too, such as over: 30s",
        ),
        (
            "{expr: 'ttft.p99 < 1s', confidence: 0.95}",
            "objectives.0.confidence (1st objective): expected a share such as '95%', or 'strict', got '0.95'",
        ),
        (
            "{expr: 'ttft.p99 < 1s', confidence: 100%}",
            "objectives.0.confidence (1st objective): expected a share such as '95%', or 'strict', "
            "between 50% and 99.99%, got '100%'",
        ),
        (
            "{expr: 'ttft.p99 < 1s', severity: warning}",
            "objectives.0.severity (1st objective): expected 'error' or 'warn', got 'warning'; did you mean 'warn'?",
        ),
        (
            "{expr: 'ttft.p99 < 1s', abort_aftr: 1s}",
            "objectives.0.abort_aftr (1st objective): unknown key; did you mean 'abort_after'?",
        ),
    ],
)
def test_wrong_terms_are_told_with_their_place(faults, good, entry, told):
    (fault,) = faults(_with(good, entry))
    assert fault.endswith(f": {told}")


@pytest.mark.parametrize(
    ("entries", "called"),
    [
        ("'errors.rate < 5%', {expr: 'errors.rate < 5%', abort: true}", "errors.rate < 5%"),
        (
            "{expr: 'errors.rate < 5%', over: 2s}, {expr: 'errors.rate < 5%', over: 2s, abort: true}",
            "errors.rate < 5% over 2.00s",
        ),
    ],
)
def test_two_objectives_that_reports_could_not_tell_apart_are_told(entries, called, faults, good):
    (fault,) = faults(_with(good, entries))
    assert fault.endswith(
        f": objectives.1 (2nd objective): another objective is called '{called}', too: give one of them an id"
    )


def test_objectives_that_differ_in_their_windows_or_ids_are_told_apart(read, good):
    entries = (
        "'errors.rate < 50%', {expr: 'errors.rate < 50%', over: 2s}, {expr: 'errors.rate < 50%', over: 2s, for: 2}"
    )
    profile = read(_with(good, f"{entries}, {{expr: 'errors.rate < 50%', id: fuse, abort: true}}"))
    assert [objective.id for objective in profile.objectives] == [
        "errors.rate < 50%",
        "errors.rate < 50% over 2.00s",
        "errors.rate < 50% over 2.00s, 2 in a row",
        "fuse",
    ]


def test_two_objectives_with_one_id_are_told(faults, good):
    text = good.replace("prompt: simple}", "prompt: simple, objectives: [{expr: 'ttft.p50 < 1s', id: fast}]}")
    (fault,) = faults(_with(text, "{expr: 'ttft.p90 < 1s', id: slow}, {expr: 'errors.rate < 1%', id: fast}"))
    assert fault.endswith(": objectives.1.id (2nd objective): 'fast' is the id of another objective, too")


@pytest.mark.parametrize(
    ("more", "scope", "told"),
    [
        ("", "o4", "unknown scope 'o4': expected one of o3"),
        ("", "simpel", "unknown scope 'simpel': expected one of o3"),
        ("client: {breaker: {scope: all}}\n", "o3", "unknown scope 'o3': expected one of all"),
        (
            "client: {breaker: {scope: endpoint}}\n",
            "/chat/completions",
            "unknown scope '/chat/completions': expected one of chat",
        ),
    ],
)
def test_a_breaker_that_there_is_not_is_told(more, scope, told, faults, good):
    (fault,) = faults(_with(good + more, f"'breaker{{scope={scope}}}.trips == 0'"))
    assert fault.endswith(f": objectives.0 (1st objective): {told}")


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ("", "o3"),
        ("client: {breaker: {scope: all}}\n", "all"),
        ("client: {breaker: {scope: endpoint}}\n", "chat"),
        ("targets: {a: {base_url: fake://direct}, b: {base_url: fake://direct, models: {o3: x/o3}}}\n", "b/x/o3"),
    ],
)
def test_a_breaker_is_known_by_what_it_is_for(more, scope, read, good):
    assert read(_with(good + more, f"'breaker{{scope={scope}}}.trips == 0'")).objectives


@pytest.mark.parametrize(
    ("expr", "told"),
    [
        ("errors.rate < 0%", "can never hold: write another limit"),
        ("errors.rate <= 100%", "always holds, whatever happens: write another limit"),
    ],
)
def test_a_limit_that_decides_nothing_is_told(expr, told, faults, good):
    (fault,) = faults(_with(good, f"'{expr}'"))
    assert fault.endswith(f": objectives.0 (1st objective): '{expr}' {told}")


_PRICED = "target: {base_url: fake://direct, prices: {o3: {input: $2, output: $8}}}\n"


@pytest.mark.parametrize("entry", ["'cost.usd < $1'", "'cost{model=o3}.usd < $1'"])
def test_dollars_that_nobody_could_count_are_told(entry, faults, read, good):
    (fault,) = faults(_with(good, entry))
    remedy = "give the target prices: {o3: {input: $2, output: $8}}, per million tokens"
    assert fault.endswith(f": objectives.0 (1st objective): no price for o3: {remedy}")
    assert read(_with(good + _PRICED, entry)).objectives


def test_dollars_that_are_only_told_or_need_not_be_known_need_no_price(read, good):
    told = "{expr: cost.usd < $1, severity: warn}, {expr: cost.usd < $2, on_no_data: pass}"
    assert len(read(_with(good, told)).objectives) == 2


def test_every_objective_knows_where_it_stands(read, good):
    own = good.replace(
        "scenarios:\n", "scenarios:\n  other: {model: o3, prompt: simple, objectives: [ttft.p50 < 1s]}\n"
    )
    profile = read(_with(own, "'ttft.p99 < 1s', {expr: errors.rate < 1%, id: e}"))
    places = {objective.id: location for location, objective in profile.placed_objectives}
    assert places == {
        "ttft.p99 < 1s": ("objectives", 0),
        "e": ("objectives", 1),
        "ttft{scenario=other}.p50 < 1s": ("scenarios", "other", "objectives", 0),
    }
    last, first = own.count("\n") + 1, own[: own.index("  other:")].count("\n") + 1
    assert [profile.fault(place, "").line for place in places.values()] == [last, last, first]


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        ("http_req_duration: ['p(95)<500']", "latency.p95 < 500ms"),
        ("ttft.p95: < 500ms", "ttft.p95 < 500ms"),
        ("ttft.p95: 500ms", "ttft.p95 < 500ms"),
        ("http_req_failed: rate<0.01", "errors.rate < 1%"),
        ("http_req_duration{scenario:a}: p(99)<300", "latency{scenario=a}.p99 < 300ms"),
    ],
)
def test_a_mapping_of_a_metric_to_its_limit_is_told_as_one_text(faults, good, entry, ours):
    (fault,) = faults(f"{good}objectives:\n  - {entry}\n")
    assert fault == f"p.yaml:9:5: objectives.0 (1st objective): expected one text: did you mean '{ours}'?"


def test_a_mapping_whose_key_is_no_word_is_told_as_no_text(faults, good):
    (fault,) = faults(f"{good}objectives:\n  - hello(world): 5\n")
    assert fault.endswith(
        "objectives.0 (1st objective): expected one text such as 'ttft.p99 < 800ms', got a mapping of 'hello(world)'"
    )


def test_other_mappings_without_an_expression_lack_just_that(faults, good):
    told = faults(f"{good}objectives: [{{abrt: true}}, {{for: 3}}]\n")
    assert [line.split(": ", 1)[1] for line in told] == [
        "objectives.0.expr (1st objective): is required",
        "objectives.0.abrt (1st objective): unknown key; did you mean 'abort'?",
        "objectives.1.expr (2nd objective): is required",
    ]
