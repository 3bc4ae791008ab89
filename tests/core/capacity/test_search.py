"""The search is a function of its trials: each test is a relay that is a rule, or trials that are made up."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.full_queue import FullQueue
from relayload.core.capacity.history import History, base_latency_s
from relayload.core.capacity.lengths import Lengths
from relayload.core.capacity.levels import Over
from relayload.core.capacity.search import next_step, unfinished
from relayload.core.capacity.terms import Terms
from relayload.core.capacity.trial import BACKLOG, Binding, Decision, Purpose, Trial, Wanted
from relayload.core.exit_codes import ExitCode
from relayload.core.model.verdict import ObjectiveResult, Status

PASS, FAIL, UNDECIDED, VOID, STOPPED = Decision
Rule = Callable[[Wanted, int], Decision]
"""What a trial comes to, given how many were made before it."""


def trial(wanted: Wanted, number: int, decision: Decision, **changes) -> Trial:
    plain: dict[str, Any] = {
        "proven": decision is PASS,
        "refuted": decision is FAIL,
        "latency_p50_s": 0.5,
        "offered": round(wanted.requests),
        "load_s": wanted.for_s,
        "binding": Binding(objective="ttft.p95 < 1s", used=2.0 if decision is FAIL else 0.1),
    }
    return Trial(
        number=number,
        purpose=wanted.purpose,
        rate_per_s=wanted.rate_per_s,
        users=wanted.users,
        pooled_with=wanted.pooled_with,
        again=wanted.again,
        warmup_s=wanted.warmup_s,
        measured_s=wanted.measured_s,
        decision=decision,
        **(plain | changes),
    )


def terms(**changes) -> Terms:
    return Terms(**({"start": 10.0, "lowest": 1.0, "highest": 1000.0} | changes))


def searched(rule: Rule, own: Terms | None = None, **changes) -> Capacity:
    trials: list[Trial] = []
    while isinstance(step := next_step(trials, own or terms()), Wanted):
        trials.append(trial(step, len(trials) + 1, rule(step, len(trials)), **changes))
        assert len(trials) < 200
    return step


def knee(at: float) -> Rule:
    return lambda wanted, _: PASS if wanted.level <= at else FAIL


@given(st.floats(1.0, 900.0), st.floats(1.0, 1000.0), st.sampled_from([0.02, 0.05, 0.2]))
def test_a_knee_lies_between_what_is_proven_and_what_is_refuted(at_per_s: float, start_per_s: float, precision: float):
    found = searched(knee(at_per_s), terms(start=start_per_s, precision=precision))
    assert found.answer is Kind.INTERVAL
    assert found.exit_code == ExitCode.PASS
    assert found.proven_per_s is not None
    assert found.refuted_per_s is not None
    assert found.proven_per_s <= at_per_s < found.refuted_per_s
    assert found.refuted_per_s / found.proven_per_s <= 1 + precision + 0.002
    assert found.estimate_per_s is not None
    assert found.proven_per_s <= found.estimate_per_s <= found.refuted_per_s
    assert len(found.trials) <= 14 + math.log2(1 / precision)


@given(
    st.lists(st.sampled_from(list(Decision)), max_size=60),
    st.floats(1.0, 1000.0),
    st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=1),
)
def test_every_search_ends_and_holds_to_its_caps_whatever_comes(decisions, start_per_s, medians_s):
    own = terms(start=start_per_s, most_trials=25, most_load_s=2000.0)
    trials: list[Trial] = []
    while isinstance(found := next_step(trials, own), Wanted):
        count = len(trials)
        decision = decisions[count] if count < len(decisions) else UNDECIDED
        trials.append(trial(found, count + 1, decision, latency_p50_s=medians_s[count % len(medians_s)]))
    assert len(found.trials) <= 25
    assert found.load_s <= 2000.0
    assert all(1.0 <= each.rate_per_s <= 1000.0 for each in found.trials)
    confirmed: set[float | None] = {
        each.rate_per_s for each in found.trials if each.purpose is Purpose.CONFIRM and each.proven
    }
    assert found.proven_per_s in (confirmed or {None})


@given(st.lists(st.sampled_from([PASS, FAIL, UNDECIDED, VOID]), min_size=12, max_size=12), st.integers(0, 12))
def test_a_search_goes_on_from_its_trials_as_if_it_had_never_stopped(decisions, stops_after):
    trials: list[Trial] = []
    for number, decision in enumerate(decisions):
        step = next_step(trials, terms())
        if not isinstance(step, Wanted):
            return
        assert step == next_step(list(trials), terms())
        trials.append(trial(step, number + 1, decision))
    resumed = trials[:stops_after]
    assert next_step(resumed, terms()) == next_step(trials[:stops_after], terms())


def test_rates_double_then_close_in_and_are_then_confirmed():
    rates = [(each.purpose.value, each.rate_per_s) for each in searched(knee(27.0)).trials]
    assert rates == [
        ("search", 10.0),
        ("search", 20.0),
        ("search", 40.0),
        ("search", 28.28),
        ("search", 23.78),
        ("search", 25.93),
        ("search", 27.08),
        ("confirm", 25.93),
    ]


def test_rates_are_halved_while_they_fail():
    assert [each.rate_per_s for each in searched(knee(3.0)).trials][:3] == [10.0, 5.0, 2.5]


def test_the_highest_rate_allowed_may_pass():
    found = searched(knee(5000.0))
    assert (found.answer, found.proven_per_s, found.refuted_per_s) == (Kind.AT_LEAST, 1000.0, None)
    assert found.exit_code == ExitCode.PASS


def test_none_passes_where_the_lowest_fails():
    found = searched(knee(0.5))
    assert (found.answer, found.proven_per_s, found.exit_code) == (Kind.NONE, None, ExitCode.FAIL)
    assert found.reason == "none: 1/s, the least allowed, failed: ttft.p95 < 1s"


def test_a_failure_by_far_but_not_by_a_bound_refutes_nothing():
    found = searched(knee(0.5), refuted=False)
    assert (found.answer, found.exit_code) == (Kind.NOT_CONVERGED, ExitCode.UNPROVEN)


def test_an_undecided_rate_is_repeated_and_then_taken_as_one_that_may_not_hold():
    rule: Rule = lambda wanted, _: UNDECIDED if 20 < wanted.rate_per_s < 30 else knee(27.0)(wanted, 0)  # noqa: E731
    found = searched(rule)
    assert [each.rate_per_s for each in found.trials].count(28.28) == 2
    assert found.proven_per_s is not None
    assert found.proven_per_s <= 20.0
    assert found.refuted_per_s == 40.0


def seen(k: int, n: int = 1000) -> ObjectiveResult:
    """A p95 that is not decided, with so many slow requests."""
    return ObjectiveResult(
        id="ttft.p95 < 1s",
        expr="ttft.p95 < 1s",
        unit="s",
        limit=1.0,
        verdict=Status.INCONCLUSIVE,
        reason="",
        n=n,
        effective_n=n // 10,
        k=k,
        budget=0.05,
    )


@pytest.mark.parametrize(("slow", "times"), [(10, 4), (45, 1)])
def test_an_undecided_confirmation_is_pooled_while_that_is_likely_to_prove_it(slow: int, times: int):
    rule: Rule = lambda wanted, _: UNDECIDED if wanted.purpose is Purpose.CONFIRM else knee(27.0)(wanted, 0)  # noqa: E731
    found = searched(rule, objectives=(seen(slow),))
    levels = [each.level for each in found.trials if each.purpose is Purpose.CONFIRM]
    assert max(map(levels.count, levels)) == times
    assert found.answer is Kind.NOT_CONVERGED


def test_a_confirmation_is_pooled_with_confirmations_of_its_rate_alone():
    trials = [
        trial(Wanted(purpose=purpose, rate_per_s=rate, warmup_s=10, measured_s=30), number, decision)
        for number, (purpose, rate, decision) in enumerate(
            [
                (Purpose.SEARCH, 10.0, PASS),
                (Purpose.CONFIRM, 10.0, VOID),
                (Purpose.CONFIRM, 10.0, UNDECIDED),
                (Purpose.CONFIRM, 9.0, UNDECIDED),
            ],
            1,
        )
    ]
    assert History(trials, terms()).wanted(Purpose.CONFIRM, 10.0).pooled_with == (3,)


def test_a_confirmation_that_fails_steps_down():
    rule: Rule = lambda wanted, _: knee(20.0 if wanted.purpose is Purpose.CONFIRM else 22.0)(wanted, 0)  # noqa: E731
    found = searched(rule)
    rates = [each.rate_per_s for each in found.trials if each.purpose is Purpose.CONFIRM]
    assert rates == [21.81, 20.77, 19.78]
    assert (found.proven_per_s, found.refuted_per_s) == (19.78, 20.77)


def test_two_void_trials_make_a_rate_the_generators_ceiling():
    rule: Rule = lambda wanted, _: VOID if wanted.rate_per_s > 50 else PASS  # noqa: E731
    found = searched(rule)
    assert found.answer is Kind.GENERATOR_BOUND
    assert found.proven_per_s is not None
    assert 47 < found.proven_per_s <= 50
    assert found.refuted_per_s is None
    assert found.exit_code == ExitCode.UNPROVEN


def test_one_void_trial_is_only_repeated():
    found = searched(lambda wanted, number: VOID if number == 1 else knee(27.0)(wanted, 0))
    assert (found.answer, found.proven_per_s) == (Kind.INTERVAL, 25.93)


def test_a_rate_that_passed_and_fails_far_below_is_unsteady():
    found = searched(lambda wanted, number: knee(27.0)(wanted, 0) if number < 8 else FAIL, terms(precision=0.1))
    assert (found.answer, found.proven_per_s is None) == (Kind.INTERVAL, False)
    found = searched(lambda wanted, _: FAIL if wanted.purpose is Purpose.CONFIRM else knee(27.0)(wanted, 0))
    assert (found.answer, found.exit_code) == (Kind.UNSTEADY, ExitCode.UNPROVEN)
    assert "25.93/s passed, and later even" in found.reason


def drifting(p50_s: Callable[[Wanted, float], float], own: Terms, rule: Rule | None = None) -> Capacity:
    """Search a relay whose median latency is a function of the trial and of the load before it, in seconds."""
    trials: list[Trial] = []
    while isinstance(step := next_step(trials, own), Wanted):
        median_s = p50_s(step, sum(each.load_s for each in trials))
        interval = {"latency_p50_low_s": 0.95 * median_s, "latency_p50_high_s": 1.05 * median_s}
        number = len(trials) + 1
        trials.append(trial(step, number, (rule or knee(27.0))(step, 0), latency_p50_s=median_s, **interval))
    return step


def test_a_relay_that_grows_slower_is_unsteady_though_its_levels_pass():
    found = drifting(lambda _, spent_s: 0.4 * (1 + 0.001 * spent_s), terms())
    assert (found.answer, found.exit_code) == (Kind.UNSTEADY, ExitCode.UNPROVEN)
    control = found.trials[-1]
    assert (control.purpose, control.level, control.pooled_with) == (Purpose.CONTROL, 10.0, ())
    assert (control.measured_s, control.again) == (30.0, "later trials took longer at no more load")
    assert found.reason == "unsteady: 10/s passed, and later its median latency was 564ms instead of 400ms"


def test_a_control_that_is_as_fast_as_before_leaves_the_answer_as_it_was():
    found = drifting(lambda wanted, _: 0.6 if wanted.purpose is Purpose.CONFIRM else 0.4, terms())
    assert (found.answer, found.proven_per_s) == (Kind.INTERVAL, 25.93)
    assert [each.purpose for each in found.trials].count(Purpose.CONTROL) == 1


def test_no_control_is_made_where_nothing_is_suspicious_or_it_can_change_nothing():
    assert Purpose.CONTROL not in {each.purpose for each in searched(knee(27.0)).trials}
    found = drifting(lambda _, spent_s: 0.4 * (1 + 0.001 * spent_s), terms(), knee(5000.0))
    assert (found.answer, Purpose.CONTROL in {each.purpose for each in found.trials}) == (Kind.AT_LEAST, False)
    found = drifting(lambda _, spent_s: 0.4 * (1 + 0.001 * spent_s), terms(control=False))
    assert (found.answer, Purpose.CONTROL in {each.purpose for each in found.trials}) == (Kind.INTERVAL, False)


@pytest.mark.parametrize("caps", [{"most_load_s": 550.0}, {"most_trials": 9}])
def test_a_search_keeps_room_for_a_control(caps: dict[str, Any]):
    rule: Rule = lambda wanted, _: UNDECIDED if wanted.purpose is Purpose.CONFIRM else knee(27.0)(wanted, 0)  # noqa: E731
    found = drifting(lambda _, spent_s: 0.4 if spent_s < 270.0 else 0.6, terms(**caps), rule)
    assert found.answer is Kind.UNSTEADY
    assert [each.purpose for each in found.trials][-3:] == [Purpose.SEARCH, Purpose.CONFIRM, Purpose.CONTROL]
    assert found.load_s <= caps.get("most_load_s", math.inf)
    assert len(found.trials) <= caps.get("most_trials", 40)


def test_a_control_that_was_stopped_is_made_again_and_one_that_was_void_tells_nothing():
    wanted = drifting(lambda _, spent_s: 0.4 * (1 + 0.001 * spent_s), terms()).trials
    stopped, void = ([*wanted[:-1], structs.replace(wanted[-1], decision=each)] for each in (STOPPED, VOID))
    again, answer = (next_step(trials, terms()) for trials in (stopped, void))
    assert isinstance(again, Wanted)
    assert again.purpose is Purpose.CONTROL
    assert isinstance(answer, Capacity)
    assert answer.answer is Kind.INTERVAL


def test_429s_at_a_ceiling_are_a_quota_and_no_capacity():
    ceiling = Ceiling(per_s=20.0, requests=20, window_s=1.0)
    found = searched(knee(19.0), failed=100, rate_limited=99, ceiling=ceiling)
    assert (found.answer, found.ceiling, found.exit_code) == (Kind.QUOTA, ceiling, ExitCode.UNPROVEN)
    assert found.reason == "quota, not capacity: 429s hold everything above 20/s back"
    assert searched(knee(19.0), failed=100, rate_limited=50, ceiling=ceiling).answer is Kind.INTERVAL


@pytest.mark.parametrize(
    ("rule", "answer", "code"),
    [
        (knee(60.0), Kind.AT_LEAST, ExitCode.PASS),
        (knee(40.0), Kind.BELOW, ExitCode.FAIL),
        (lambda *_: UNDECIDED, Kind.NOT_CONVERGED, ExitCode.UNPROVEN),
        (lambda *_: VOID, Kind.GENERATOR_BOUND, ExitCode.UNPROVEN),
    ],
)
def test_one_rate_can_be_proven_or_refuted_alone(rule, answer, code):
    found = searched(rule, terms(at_least=50.0))
    assert (found.answer, found.exit_code) == (answer, code)
    assert {each.purpose for each in found.trials} == {Purpose.CONFIRM}
    assert {each.rate_per_s for each in found.trials} == {50.0}


def test_a_trial_that_was_stopped_is_made_again_and_counts_for_the_caps():
    found = searched(lambda wanted, number: STOPPED if number == 2 else knee(27.0)(wanted, 0))
    assert (found.proven_per_s, len(found.trials)) == (25.93, 9)
    found = searched(lambda *_: STOPPED, terms(most_load_s=100.0))
    assert (found.answer, len(found.trials)) == (Kind.NOT_CONVERGED, 2)


def test_a_first_trial_that_passed_with_too_short_a_warm_up_is_made_again():
    rule: Rule = lambda wanted, _: PASS  # noqa: E731
    found = searched(rule, terms(highest=10.0), latency_p50_s=20.0)
    assert [(each.purpose.value, each.warmup_s, each.measured_s) for each in found.trials] == [
        ("search", 10.0, 30.0),
        ("search", 60.0, 300.0),
        ("confirm", 60.0, 300.0),
    ]


def test_a_trial_says_why_a_level_is_tried_again():
    found = searched(lambda wanted, _: PASS, terms(highest=10.0), latency_p50_s=20.0)
    assert [each.again for each in found.trials] == [
        "",
        "its warm-up of 10.0s was too short for a median latency of 20.0s",
        "",
    ]
    assert found.trials[1].pooled_with == ()  # what was measured without a queue would flatter both
    decisions = [VOID, UNDECIDED, STOPPED, PASS]
    found = searched(lambda wanted, number: decisions[min(number, 3)], terms(highest=10.0))
    assert [each.again for each in found.trials] == [
        "",
        "the generator was the bottleneck",
        "it was undecided",
        "it was stopped",
        "",
    ]


def test_what_an_overloaded_relay_takes_says_nothing_of_its_latency():
    wanted = Wanted(purpose=Purpose.SEARCH, rate_per_s=10.0, warmup_s=10, measured_s=30)
    overloaded, well = (trial(wanted, 1, decision, latency_p50_s=9.0) for decision in (FAIL, PASS))
    assert base_latency_s([overloaded]) == 0.0
    assert base_latency_s([overloaded, well]) == 9.0


def test_trials_are_as_long_as_the_rarest_objective_needs():
    lengths = Lengths(decide=100, prove=300)
    assert lengths.measured_for_s(Purpose.SEARCH, 2.0, 0.1) == 60.0
    assert lengths.measured_for_s(Purpose.CONFIRM, 2.0, 0.1) == 180.0
    assert lengths.measured_for_s(Purpose.CONFIRM, 200.0, 0.1) == 120.0
    assert lengths.measured_for_s(Purpose.SEARCH, 0.0, 4.0) == 60.0


def test_an_unfinished_search_has_all_that_was_found():
    found = searched(knee(27.0))
    left = unfinished(found.trials, terms(), "Ctrl-C ended it")
    assert (left.proven_per_s, left.refuted_per_s) == (found.proven_per_s, found.refuted_per_s)
    assert (left.answer, left.exit_code) == (Kind.NOT_CONVERGED, ExitCode.UNPROVEN)


def test_an_unfinished_search_names_the_quota_that_it_saw():
    ceiling = Ceiling(per_s=20.0, requests=20, window_s=1.0)
    found = searched(knee(19.0), terms(most_trials=3), failed=100, rate_limited=99, ceiling=ceiling)
    assert found.answer is Kind.NOT_CONVERGED
    assert found.reason.endswith("3 trials; so far quota, not capacity: 429s hold everything above 20/s back")


def test_a_cap_that_ended_a_search_is_told_in_words():
    assert searched(knee(27.0), terms(most_trials=1)).reason == "not converged: it has had its one trial"
    assert searched(knee(27.0), terms(most_trials=2)).reason == "not converged: it has had its 2 trials"
    assert searched(knee(27.0), terms(most_load_s=100.0)).reason == (
        "not converged: its next trial, of 40.0s, does not fit into the 1m40s of load: allow more by --max-load"
    )


def of_users(**changes) -> Terms:
    return terms(**({"over": Over.USERS, "start": 10.0, "highest": 200.0} | changes))


@given(st.integers(1, 199), st.integers(1, 200), st.sampled_from([0.02, 0.05, 0.2]))
def test_as_many_users_as_a_relay_carries_are_proven(most: int, start: int, precision: float):
    found = searched(knee(most), of_users(start=float(start), precision=precision))
    assert (found.answer, found.exit_code, found.over) == (Kind.INTERVAL, ExitCode.PASS, Over.USERS)
    assert (found.proven_per_s, found.refuted_per_s, found.estimate_per_s) == (None, None, None)
    assert found.proven_users is not None
    assert found.refuted_users is not None
    assert found.proven_users <= most < found.refuted_users
    assert found.refuted_users <= max(found.proven_users * (1 + precision), found.proven_users + 1)
    assert {each.users for each in found.trials} == {each.level for each in found.trials}


@given(st.lists(st.sampled_from(list(Decision)), max_size=60), st.integers(1, 200))
def test_every_search_over_users_ends_whatever_comes(decisions, start):
    own = of_users(start=float(start), most_trials=25)
    found = searched(lambda _, number: decisions[number] if number < len(decisions) else UNDECIDED, own)
    assert len(found.trials) <= 25
    assert all(each.users is not None and 1 <= each.users <= 200 for each in found.trials)


@pytest.mark.parametrize(
    ("most", "answer", "reason"),
    [
        (500, Kind.AT_LEAST, "at least 200 users, the most allowed"),
        (0, Kind.NONE, "none: 1 user, the least allowed, failed: ttft.p95 < 1s"),
    ],
)
def test_users_have_bounds_as_rates_have(most, answer, reason):
    found = searched(knee(most), of_users())
    assert (found.answer, found.reason) == (answer, reason)


def test_a_number_of_users_can_be_proven_alone():
    found = searched(knee(60), of_users(at_least=50.0))
    assert (found.answer, found.proven_users, found.reason) == (Kind.AT_LEAST, 50, "at least 50 users: proven")


def test_a_trial_with_users_is_as_long_as_the_requests_that_they_make_at_least():
    history = [
        trial(Wanted(purpose=Purpose.SEARCH, rate_per_s=0.0, users=users, warmup_s=10, measured_s=30), number, PASS)
        for number, users in enumerate((10, 20), 1)
    ]
    made = [structs.replace(each, ok_per_s=ok_per_s) for each, ok_per_s in zip(history, (4.0, 6.0), strict=True)]
    own = of_users(lengths=Lengths(decide=300))
    wanted = {users: History(made, own).wanted(Purpose.SEARCH, float(users)) for users in (5, 10, 15, 40)}
    assert {users: each.rate_per_s for users, each in wanted.items()} == {5: 2.0, 10: 4.0, 15: 4.5, 40: 6.0}
    assert wanted[40].measured_s == 60.0
    assert History([], own).wanted(Purpose.SEARCH, 10.0).measured_s == 30.0


def test_a_bounded_queue_is_named_where_its_refusals_alone_fail_the_lowest_levels():
    queue = FullQueue(in_flight=15, per_s=30.0)
    refused: dict[str, Any] = {"failed": 100, "overloaded": 99, "queue": queue}
    found = searched(knee(27.0), **refused)
    assert (found.answer, found.exit_code, found.queue) == (Kind.INTERVAL, ExitCode.PASS, queue)
    assert found.reason == (
        "between 25.93/s, proven, and 27.08/s, refuted: a bounded queue refuses more than 15 requests at once"
    )
    assert searched(knee(27.0), **refused | {"overloaded": 50}).queue is None
    piled_up = Binding(objective=BACKLOG, used=None)
    assert searched(knee(27.0), **refused | {"binding": piled_up}).queue is None
    with_429s: dict[str, Any] = {"failed": 100, "rate_limited": 99, "queue": queue}
    assert searched(knee(27.0), **with_429s).answer is Kind.INTERVAL


def refuted_where(is_refuted: Callable[[Wanted], bool], own: Terms) -> Capacity:
    """Search a relay with a knee at 27/s, of which not every trial that fails is refuted."""
    trials: list[Trial] = []
    while isinstance(step := next_step(trials, own), Wanted):
        decision = knee(27.0)(step, 0)
        trials.append(trial(step, len(trials) + 1, decision, refuted=decision is FAIL and is_refuted(step)))
    return step


def test_what_is_refuted_far_away_is_refuted_nearer_with_the_load_that_is_left():
    found = refuted_where(
        lambda wanted: wanted.level > 30.0 or wanted.measured_s > 120.0, terms(start=17.0, most_load_s=1200.0)
    )
    last, refutation = found.trials[-2:]
    assert (last.level, refutation.measured_s) == (found.proven_per_s, 510.0)  # that of four confirmations
    assert (found.refuted_per_s, found.answer) == (refutation.level, Kind.INTERVAL)
    assert found.estimate_per_s is not None
    assert refutation.level == pytest.approx(1.05**2 * found.estimate_per_s, rel=0.02)
    capped = refuted_where(lambda wanted: wanted.level > 30.0, terms(start=17.0, most_load_s=600.0))
    assert 120.0 < capped.trials[-1].measured_s < 510.0
    assert capped.load_s == pytest.approx(600.0, abs=1.0)


def test_where_nothing_is_refuted_a_first_trial_is_further_away():
    found = refuted_where(
        lambda wanted: wanted.purpose is Purpose.CONFIRM and wanted.level > 30.0, terms(most_load_s=1200.0)
    )
    proof, far, near = found.trials[-3:]
    assert (proof.level, far.level) == (found.proven_per_s, found.refuted_per_s)
    assert proof.level < near.level < far.level
    assert far.level == pytest.approx(1.05**4 * 26.8, rel=0.01)
