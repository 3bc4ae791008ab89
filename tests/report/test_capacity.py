from searches import measures, trial

from relayload.core.capacity.advice import Advice
from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.frontier import FrontierPoint
from relayload.core.capacity.levels import Over
from relayload.core.capacity.trial import BACKLOG, Binding, Decision, Purpose, Wanted
from relayload.report.capacity import render_capacity, trial_begins, trial_ended


def test_the_answer_comes_first_then_what_it_rests_on():
    trials = (
        trial(1, 10.0, Decision.PASS, latency_p50_s=0.5, ok_per_s=9.9),
        trial(2, 20.0, Decision.FAIL, refuted=True, binding=Binding(objective=BACKLOG, used=None)),
        trial(3, 10.0, Decision.PASS, purpose=Purpose.CONFIRM, proven=True),
    )
    capacity = Capacity(
        answer=Kind.INTERVAL,
        reason="between 10/s, proven, and 20/s, refuted",
        exit_code=0,
        proven_per_s=10.0,
        refuted_per_s=20.0,
        estimate_per_s=14.14,
        binding=trials[1].binding,
        profile="chat",
        load_s=120.0,
        requests=1600,
        usd=0.5,
        trials=trials,
    )
    lines = render_capacity(capacity).splitlines()
    assert lines[:4] == [
        "capacity of chat: between 10/s, proven, and 20/s, refuted",
        "likeliest: 14.14/s, by all trials and without a bound",
        "what binds: requests in flight pile up",
        "3 trials, 2m of load, 1,600 requests, $0.5",
    ]
    assert [line.split()[:2] for line in lines[5:]] == [["1", "10/s"], ["2", "20/s"], ["3", "10/s"]]
    assert [word in line for line, word in zip(lines[5:], ("pass", "refuted", "proven"), strict=True)] == [True] * 3


def test_progress_tells_the_bracket_and_the_load_that_is_left():
    wanted = Wanted(purpose=Purpose.SEARCH, rate_per_s=14.14, warmup_s=10.0, measured_s=30.0)
    assert trial_begins(1, wanted, [], 1200.0) == "trial 1: 14.14/s for 40.0s, to search; 20m of load left"
    before = [trial(1, 10.0, Decision.PASS), trial(2, 20.0, Decision.FAIL)]
    assert trial_begins(3, wanted, before, 1200.0) == (
        "trial 3: 14.14/s for 40.0s, to search; so far 10/s passed and 20/s failed; 18m40s of load left"
    )


def test_a_control_tells_why_it_is_made():
    wanted = Wanted(
        purpose=Purpose.CONTROL, rate_per_s=8.0, warmup_s=10.0, measured_s=30.0, again="later trials slowed"
    )
    assert trial_begins(9, wanted, [], 60.0) == (
        "trial 9: 8/s for 40.0s, as a control, again since later trials slowed; 1m of load left"
    )


def test_a_search_that_ended_before_any_trial_says_so():
    capacity = Capacity(answer=Kind.NOT_CONVERGED, reason="not converged: Ctrl-C ended it", exit_code=130, requests=6)
    assert render_capacity(capacity).splitlines()[-1] == "no trial was run, 6 requests"


def test_what_a_trial_came_to_is_told_with_what_binds_or_why_it_is_void():
    passed = trial(4, 10.0, Decision.UNDECIDED, pooled_with=(2, 3))
    assert trial_ended(passed) == "trial 4: 10/s undecided, with 2 before it (ttft.p95 < 1s used 40% of what it may)"
    assert trial_ended(trial(4, 10.0, Decision.PASS)).startswith("trial 4: 10/s passed")
    assert trial_ended(trial(1, 10.0, Decision.VOID, reasons=("too late",))) == "trial 1: 10/s void: too late"


def test_what_the_trials_tell_besides_is_told_by_rate():
    trials = (
        trial(1, 20.0, Decision.FAIL, measures=measures(-0.4, beyond=True)),
        trial(2, 10.0, Decision.PASS, measures=measures(0.001)),
        trial(3, 15.0, Decision.PASS, measures=measures(0.04, inexact=True)),
        trial(4, 40.0, Decision.VOID, measures=measures(0.0)),
    )
    capacity = Capacity(
        answer=Kind.INTERVAL,
        reason="",
        exit_code=0,
        profile="chat",
        trials=trials,
        frontier=(
            FrontierPoint(metric="ttft", limit_s=0.5, holds_at=10.0, proven=True, fails_at=20.0),
            FrontierPoint(metric="ttft", limit_s=1.0, fails_at=20.0, refuted=True),
        ),
        advice=Advice(quota=("10/s", "600/min"), alert_per_s=8.0, breaks_per_s=20.0),
    )
    lines = [line.split() for line in render_capacity(capacity).splitlines()]
    begins = next(number for number, line in enumerate(lines) if "flight" in line)
    assert [line[:4] for line in lines[begins + 1 : begins + 4]] == [
        ["2", "10/s", "5", "+0.1%"],
        ["3", "15/s", "5", "+4.0%~"],
        ["1", "20/s", "5", "-40.0%!"],
    ]
    assert lines[begins + 1][-2:] == ["1,234", "$0.5"]
    assert ["ttft", "500ms", "10/s", "proven", "20/s", "observed"] in lines
    assert ["ttft", "1s", "–", "20/s", "refuted"] in lines
    assert [" ".join(line) for line in lines[-4:]] == [
        "suggested for clients, by what is proven:",
        "client:",
        "quota: {requests: [10/s, 600/min]}",
        "alert above 8/s, 20% below it; at 20/s objectives break",
    ]


def test_what_users_made_is_told_beside_their_number():
    trials = tuple(
        trial(number, 9.5 * number, Decision.PASS, users=10 * number, measures=measures(0.0)) for number in (2, 1)
    )
    capacity = Capacity(
        answer=Kind.AT_LEAST,
        reason="",
        exit_code=0,
        over=Over.USERS,
        trials=trials,
        frontier=(FrontierPoint(metric="ttft", limit_s=0.05, holds_at=10.0, fails_at=20.0),),
    )
    lines = [line.split() for line in render_capacity(capacity).splitlines()]
    begins = next(number for number, line in enumerate(lines) if "flight" in line)
    assert [line[:3] for line in lines[begins + 1 : begins + 3]] == [["1", "10", "9.5/s"], ["2", "20", "19/s"]]
    assert ["ttft", "50ms", "10", "users", "observed", "20", "users", "observed"] in lines


def test_of_users_it_tells_their_number_and_what_they_got_answered():
    trials = (
        trial(1, 9.5, Decision.PASS, users=10),
        trial(2, 15.0, Decision.FAIL, users=20, refuted=True),
        trial(3, 9.6, Decision.PASS, users=10, purpose=Purpose.CONFIRM, proven=True, ok_per_s=9.55),
    )
    capacity = Capacity(
        answer=Kind.INTERVAL,
        reason="between 10 users, proven, and 20 users, refuted",
        exit_code=0,
        over=Over.USERS,
        proven_users=10,
        refuted_users=20,
        estimate_users=14,
        profile="agents",
        load_s=120.0,
        trials=trials,
    )
    lines = render_capacity(capacity).splitlines()
    assert lines[:3] == [
        "capacity of agents: between 10 users, proven, and 20 users, refuted",
        "likeliest: 14 users, by all trials and without a bound",
        "what 10 users got answered: 9.55/s",
    ]
    assert lines[4].split()[:2] == ["trial", "users"]
    assert [line.split()[:2] for line in lines[5:]] == [["1", "10"], ["2", "20"], ["3", "10"]]


def test_a_trial_with_users_tells_how_many_requests_they_make_at_least_and_why_it_is_repeated():
    wanted = Wanted(
        purpose=Purpose.CONFIRM,
        rate_per_s=10.0,
        users=1,
        warmup_s=10.0,
        measured_s=120.0,
        again="it was undecided",
    )
    assert trial_begins(1, wanted, [], 1200.0) == (
        "trial 1: 1 user for 2m10s, at least 1,300 requests, to confirm, again since it was undecided; 20m of load left"
    )
