"""Made-up trials of capacity searches."""

from msgspec import structs

from relayload.core.capacity.advice import Advice
from relayload.core.capacity.answer import Capacity, Kind
from relayload.core.capacity.ceiling import Ceiling
from relayload.core.capacity.frontier import FrontierPoint
from relayload.core.capacity.full_queue import FullQueue
from relayload.core.capacity.littles_law import InFlight
from relayload.core.capacity.measures import Measures
from relayload.core.capacity.recovery import Recovery, Rest
from relayload.core.capacity.trial import BACKLOG, Binding, Decision, Purpose, Trial

TTFT = Binding(objective="ttft.p95 < 1s", used=0.4, observed=0.6, limit=1.0, unit="s")
BROKEN = Binding(objective="ttft.p95 < 1s", used=1.8, observed=1.8, limit=1.0, unit="s")


def trial(number: int, rate_per_s: float, decision: Decision, **changes: object) -> Trial:
    plain = Trial(
        number=number,
        purpose=Purpose.SEARCH,
        rate_per_s=rate_per_s,
        warmup_s=10.0,
        measured_s=30.0,
        decision=decision,
        binding=TTFT,
        load_s=40.0,
    )
    return structs.replace(plain, **changes)


def measures(deviation: float, beyond: bool = False, inexact: bool = False) -> Measures:
    found = InFlight(
        mean=5.0,
        ended_per_s=10.0,
        mean_latency_s=0.5,
        deviation=deviation,
        by_chance=0.01,
        beyond=beyond,
        inexact=inexact,
    )
    return Measures(in_flight=found, output_tokens_per_s=1234.5, ttft_p99_s=0.25, usd_per_1000_good=0.5)


def search(**changes: object) -> Capacity:
    """A search in which every kind of trial happened, and everything was found."""
    trials = (
        trial(1, 10.0, Decision.PASS, latency_p50_s=0.5, ok_per_s=9.9, measures=measures(0.001)),
        trial(
            2,
            20.0,
            Decision.FAIL,
            refuted=True,
            binding=BROKEN,
            failed=90,
            rate_limited=80,
            overloaded=10,
            offered=800,
            ceiling=Ceiling(per_s=18.2, requests=182, window_s=10.0),
            measures=measures(-0.4, beyond=True),
        ),
        trial(3, 14.14, Decision.UNDECIDED, measures=measures(0.01, inexact=True)),
        trial(
            4,
            14.14,
            Decision.FAIL,
            pooled_with=(3,),
            again="it was undecided",
            binding=Binding(objective=BACKLOG, used=None),
            recovery=Recovery(waited_s=3.25, probes=4, latency_s=0.031),
        ),
        trial(5, 12.0, Decision.VOID, reasons=("0.4% of requests were late",)),
        trial(
            6,
            10.0,
            Decision.PASS,
            purpose=Purpose.CONFIRM,
            proven=True,
            recording="trial-06",
            queue=FullQueue(in_flight=15, per_s=9.0),
            failed=3,
            offered=1200,
            measures=measures(0.0),
        ),
        trial(7, 13.0, Decision.STOPPED, reasons=("a guardrail ended it",), recovery=Recovery(waited_s=60.0, probes=9)),
    )
    found = Capacity(
        answer=Kind.INTERVAL,
        reason="between 10/s, proven, and 20/s, refuted",
        exit_code=0,
        proven_per_s=10.0,
        refuted_per_s=20.0,
        estimate_per_s=14.14,
        binding=BROKEN,
        ceiling=Ceiling(per_s=18.2, requests=182, window_s=10.0),
        queue=FullQueue(in_flight=15, per_s=9.0),
        profile="chat",
        load_s=280.0,
        requests=4321,
        usd=0.5,
        rest=Rest(slowest_s=0.0407),
        frontier=(
            FrontierPoint(metric="ttft", limit_s=0.5, holds_at=10.0, proven=True, fails_at=20.0),
            FrontierPoint(metric="ttft", limit_s=1.0, fails_at=20.0, refuted=True),
            FrontierPoint(metric="ttft", limit_s=2.0),
        ),
        advice=Advice(quota=("10/s", "600/min"), alert_per_s=8.0, breaks_per_s=20.0),
        trials=trials,
    )
    return structs.replace(found, **changes)
