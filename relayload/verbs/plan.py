"""`relayload plan`: what a capacity means in replicas or keys, quota, time and money."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from relayload.core.errors import AuthorError, Fault
from relayload.verbs.arguments import JSON, author_errors_exit, print_value

if TYPE_CHECKING:
    from relayload.core.capacity.answer import Capacity
    from relayload.core.capacity.demand import Demand
    from relayload.core.capacity.monthly_cost import MonthlyCost
    from relayload.core.price import Prices

_T = TypeVar("_T")
_GROWTH = re.compile(r"(?P<share>\d+(\.\d+)?)\s*%\s*/\s*(?P<per>month|year)")
_MOST_GROWTH = 10.0
"""The largest share by which traffic may grow in a period."""
_MOST_HEADROOM = 0.95
_MOST_TRAFFIC_PER_S = 1e6
_WHOLE, _ROUNDING = 1.0, 5e-4
_OWN, _BASE = "as measured", "direct"


@click.command()
@click.argument("capacity", metavar="CAPACITY.json", type=click.Path(path_type=Path))
@click.option("--traffic", metavar="RATE", help="The mean traffic to carry, such as 40/s.")
@click.option(
    "--trace", metavar="FILE", type=click.Path(path_type=Path), help="Plan for the busiest minute of a trace."
)
@click.option("--growth", metavar="SHARE/PERIOD", help="How the traffic grows, such as 15%/month or 80%/year.")
@click.option("--headroom", metavar="SHARE", help="What is kept free of each replica or key; 20%.")
@click.option("--lose-one", is_flag=True, help="One more, so that the others carry it when one is lost.")
@click.option("--mix", metavar="MODEL=SHARE,…", help="How the traffic divides among models; as measured.")
@click.option("--replicas", type=click.IntRange(1), help="How many there are now; as many as are needed.")
@click.option(
    "--compare",
    nargs=2,
    metavar="PRICE PRICE",
    help="Two price lists, and what the second saves; those of direct and as measured.",
)
@JSON
@author_errors_exit
def command(
    capacity: Path,
    traffic: str | None,
    trace: Path | None,
    growth: str | None,
    headroom: str | None,
    lose_one: bool,
    mix: str | None,
    replicas: int | None,
    compare: tuple[str, str] | None,
    as_json: bool,
) -> None:
    """Tell what CAPACITY.json means for a traffic: replicas or keys, quota, until when it is enough, and cost.

    One capacity is that of one replica or key. The interval of the capacity is carried through: by what is proven, by
    the likeliest, and at best. --trace reads the formats of profiles; with --traffic its shape is scaled to that mean.
    """
    from relayload.capacity.answer_file import read
    from relayload.core.capacity.plan import plan
    from relayload.report.capacity_plan import render_capacity_plan

    found = read(capacity)
    _check_over(found, capacity)
    demand = _demand(found, traffic, trace, growth, headroom, mix, lose_one=lose_one, replicas=replicas)
    cost, notes = _cost(found, demand, compare or ())
    planned = plan(found, demand, datetime.now(UTC).date(), cost, notes)
    print_value(planned, as_json, render_capacity_plan)
    sys.exit(planned.exit_code)


def _check_over(capacity: "Capacity", path: Path) -> None:
    """Raise AuthorError for a capacity in users, which is no rate."""
    from relayload.core.capacity.levels import Over

    if capacity.over is Over.USERS:
        what = "tells how many users are carried, who wait for answers, and no rate"
        raise AuthorError([Fault(f"{what}: search an open load with --over rate to plan with it", file=str(path))])


def _demand(
    capacity: "Capacity",
    traffic: str | None,
    trace: Path | None,
    growth: str | None,
    headroom: str | None,
    mix: str | None,
    *,
    lose_one: bool,
    replicas: int | None,
) -> "Demand":
    """Return what the options ask for. Raises AuthorError with every fault in them."""
    from relayload.core.capacity.advice import HEADROOM
    from relayload.core.capacity.demand import Demand

    faults: list[Fault] = []
    mean_per_s = _read(faults, "--traffic", traffic, _traffic, 0.0)
    growth_per_month = _read(faults, "--growth", growth, _growth, 0.0)
    free = _read(faults, "--headroom", headroom, _headroom, HEADROOM)
    shares: dict[str, float] = _read(faults, "--mix", mix, _mix, {})
    faults += _unknown(capacity, shares)
    if traffic is None and trace is None:
        faults.append(Fault("tell the traffic: --traffic 40/s, --trace FILE, or both"))
    if faults:
        raise AuthorError(faults)
    peak = None
    if trace is not None:
        from relayload.capacity.traced_traffic import read_peak

        peak = read_peak(trace)
        mean_per_s = mean_per_s or peak.mean_per_s
    return Demand(
        mean_per_s=mean_per_s,
        peak=peak,
        growth_per_month=growth_per_month,
        headroom=free,
        lose_one=lose_one,
        mix=shares,
        replicas=replicas,
    )


def _read(faults: list[Fault], option: str, text: str | None, parse: Callable[[str], _T], otherwise: _T) -> _T:
    """Return the value of an option, or keep what is wrong with it."""
    try:
        return otherwise if text is None else parse(text)
    except ValueError as error:
        faults.append(Fault(str(error), path=option))
        return otherwise


def _traffic(text: str) -> float:
    from relayload.core.units import rate_per_s

    if not 0 < (found := rate_per_s(text)) <= _MOST_TRAFFIC_PER_S:
        raise ValueError(f"expected a rate above 0, of at most {_MOST_TRAFFIC_PER_S:.0e}/s, got '{text}'")
    return found


def _growth(text: str) -> float:
    """Return the share by which the traffic grows in a month, compounding."""
    match = _GROWTH.fullmatch(text.strip())
    share = float(match["share"]) / 100 if match else 0.0
    if match is None or share > _MOST_GROWTH:
        raise ValueError(f"expected a growth such as '15%/month' or '80%/year', of at most 1000%, got '{text}'")
    return share if match["per"] == "month" else (1 + share) ** (1 / 12) - 1


def _headroom(text: str) -> float:
    from relayload.core.units import fraction

    if (found := fraction(text)) > _MOST_HEADROOM:
        raise ValueError(f"expected at most {_MOST_HEADROOM:.0%}, got '{text}'")
    return found


def _mix(text: str) -> dict[str, float]:
    """Return the share of each model."""
    from relayload.core.units import fraction

    shares: dict[str, float] = {}
    for part in text.split(","):
        model, equals, share = part.strip().rpartition("=")
        if not equals or not model or model in shares:
            raise ValueError(f"expected each model once with its share, such as 'o3=70%,o4=30%', got '{text}'")
        shares[model] = fraction(share)
    if abs(sum(shares.values()) - _WHOLE) > _ROUNDING:
        raise ValueError(f"expected shares that add up to 100%, got {sum(shares.values()) * 100:.4g}%")
    return {model: share for model, share in shares.items() if share}


def _unknown(capacity: "Capacity", shares: Mapping[str, float]) -> Iterator[Fault]:
    """Yield the models of the mix that were not measured."""
    from relayload.document.validation import nearest

    for model in shares if capacity.models else ():
        if model not in capacity.models:
            yield Fault(f"'{model}' was not measured{nearest(model, capacity.models)}", path="--mix")
    if shares and not capacity.models:
        yield Fault(f"the file does not tell its models: {_RENEW}", path="--mix")


_RENEW = "'relayload capacity PROFILE --out DIR --resume' adds them, without load if the search is over"


def _cost(capacity: "Capacity", demand: "Demand", compare: Sequence[str]) -> "tuple[MonthlyCost | None, list[str]]":
    """Return the cost at each price, and what is missing for it. Raises AuthorError for a price that is asked for."""
    from relayload import prices as price_lists
    from relayload.core.capacity.monthly_cost import monthly_cost, unpriced
    from relayload.core.capacity.plan import mix_of

    shares = mix_of(capacity, demand.mix)
    if not shares:
        return None, [f"the file tells neither models nor tokens: {_RENEW}"]
    named = [(place, price_lists.of_place(place)) for place in compare]
    if faults := [Fault(_no_price(missing), place) for place, prices in named if (missing := unpriced(shares, prices))]:
        raise AuthorError(faults)
    notes: list[str] = []
    if not named:
        known: list[tuple[str, Prices]] = [(_BASE, price_lists.of_place(_BASE)), (_OWN, capacity.prices)]
        notes = [f"{name}: {_no_price(missing)}" for name, prices in known if (missing := unpriced(shares, prices))]
        named = [(name, prices) for name, prices in known if not unpriced(shares, prices)]
    cost = monthly_cost(demand.mean_per_s, shares, capacity.models, named)
    if cost is None and named:
        notes.append("no answer told its tokens, so that neither tokens per minute nor a cost can be given")
    return cost, notes


def _no_price(models: Sequence[str]) -> str:
    return f"has no price for {', '.join(models)}: name prices by --compare, such as direct:o3 or 2/8"
