"""The progress of a run that has all kinds of trouble, for tests of what shows it."""

from decimal import Decimal
from typing import Any

from relayload.core.model.progress import BreakerSoFar, Details, ObjectiveSoFar, Progress, StageSoFar, Standing


def objective_so_far(expr: str, standing: Standing, **more: Any) -> ObjectiveSoFar:
    return ObjectiveSoFar(expr=expr, unit="s", standing=standing, **more)


DETAILS = Details(
    failures={"rate_limited (http_429)": 8, "timed_out": 4},
    breakers=(
        BreakerSoFar(scope="o3", states={"open": 1, "closed": 1}),
        BreakerSoFar(scope="o4", states={"half_open": 1}),
    ),
    usd=Decimal("1.25"),
    max_usd=Decimal(5),
    max_requests=1000,
    objectives=(
        objective_so_far("ttft.p50 < 1s", Standing.PASSING, observed=0.5, n=100),
        objective_so_far("ttft.p99 < 1s", Standing.UNDECIDED, needs=20, observed=0.9, n=80),
        objective_so_far("latency.p99 < 1s", Standing.BROKEN, n=80, warns=True),
    ),
    would_be_invalid=("the load was not delivered: 3 of 40 arrivals were dropped; raise load.max_in_flight",),
)


def progress(**changes: Any) -> Progress:
    known: dict[str, Any] = {
        "stage": "steady",
        "elapsed_s": 12.0,
        "total_s": 63.0,
        "offered": 1500,
        "started": 400,
        "dropped": 3,
        "in_flight": 17,
        "ok": 371,
        "failed": 12,
        "workers": 2,
        "ttft_p50_s": 0.5151,
        "stages": (
            StageSoFar(name="warm", ends_at_s=3.0, measured=False),
            StageSoFar(name="steady", ends_at_s=60.0),
            StageSoFar(name="cool", ends_at_s=63.0, measured=False),
        ),
        "details": DETAILS,
    }
    return Progress(**known | changes)
