"""`relayload cost`: what traffic costs at several providers, for given token counts or for a recording."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import click
from msgspec.structs import replace

from relayload import prices as price_lists
from relayload.core.errors import AuthorError, Fault
from relayload.core.metrics.cost import Cost, cost_of, paid, paid_at
from relayload.core.metrics.price_quote import Amount, Period, quote
from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.metrics.tokens import Tokens
from relayload.core.model.run import RunInfo
from relayload.core.model.tags import Tags
from relayload.core.price import times
from relayload.core.units import whole_count
from relayload.recording import Recording
from relayload.report.quote import render_quote
from relayload.verbs.arguments import JSON, author_errors_exit, print_value

_SCALE = re.compile(r"(?P<count>[^-]+)-requests(/(?P<per>day|month|year))?")
_OWN = "as recorded"
_PARTS = MappingProxyType({"cached_input_tokens": "input_tokens", "reasoning_tokens": "output_tokens"})
"""Counts that may be left out, by the count that includes them."""


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path), required=False)
@click.option("--input-tokens", metavar="COUNT", help="Tokens in, such as 10M.")
@click.option("--output-tokens", metavar="COUNT", help="Tokens out, those of reasoning among them.")
@click.option("--cached-input-tokens", metavar="COUNT", help="Of the tokens in, those that are cached.")
@click.option("--reasoning-tokens", metavar="COUNT", help="Of the tokens out, those of reasoning.")
@click.option("--month", is_flag=True, help="That many every month.")
@click.option("--day", is_flag=True, help="That many every day.")
@click.option("--scale", metavar="N-requests/month", help="Of a recording: so many requests like the measured ones.")
@click.option("--key", metavar="NAME", help="Of a recording: the requests with that key alone.")
@click.option(
    "--price",
    metavar="LIST[:MODEL]|IN/OUT",
    help="A price list, shipped or a file, and a model of it; or dollars per million tokens, such as 2/8.",
)
@click.option("--compare", nargs=2, metavar="PRICE PRICE", help="Two of them, and what is saved.")
@click.option("--exchange-rate", metavar="RATE", help="What a dollar is worth in --currency.")
@click.option("--currency", metavar="CODE", help="Of the amounts, such as CNY.")
@JSON
@author_errors_exit
def command(
    run_dir: Path | None,
    month: bool,
    day: bool,
    scale: str | None,
    key: str | None,
    price: str | None,
    compare: tuple[str, str] | None,
    exchange_rate: str | None,
    currency: str | None,
    as_json: bool,
    **tokens: str | None,
) -> None:
    """Show what traffic costs, and what is saved elsewhere.

    By its tokens, or by RUN_DIR as the recording has measured it: by the prices it was run with, or by others.
    """
    with_tokens = any(text is not None for text in tokens.values())
    faults = list(_contradictions(run_dir, scale, key, with_tokens=with_tokens or month or day))
    faults += [Fault("say --month or --day, not both")] if month and day else []
    faults += [Fault("say --price or --compare, not both")] if price and compare else []
    if faults:
        raise AuthorError(faults)
    places = compare or ((price,) if price else ())
    code, rate = _currency(currency, exchange_rate)
    if run_dir is not None:
        amount, offers = _measured(run_dir, scale, key, places)
    else:
        amount = _token_amount(tokens, Period.MONTH if month else Period.DAY if day else None)
        offers = _by_tokens(amount, places)
    print_value(quote(amount, offers, code, rate), as_json, render_quote)


def _contradictions(run_dir: Path | None, scale: str | None, key: str | None, *, with_tokens: bool) -> Iterator[Fault]:
    """Yield the options that do not go with token counts, or not with a recording."""
    if run_dir is not None and with_tokens:
        yield Fault("tell tokens or a recording, not both; of a recording say --scale 1M-requests/month")
    if run_dir is None and scale is not None:
        yield Fault("is for a recording, and none is named; of tokens say --month or --day", "--scale")
    if run_dir is None and key is not None:
        yield Fault("is for a recording, and none is named", "--key")


def _token_amount(tokens: Mapping[str, str | None], per: Period | None) -> Amount:
    """Parse the token counts. Raises AuthorError with every fault in them."""
    counts: dict[str, int] = {}
    faults: list[Fault] = []
    for name, text in tokens.items():
        try:
            counts[name] = _count(_option(name), "0" if text is None and name in _PARTS else text)
        except AuthorError as error:
            faults += error.faults
    faults += [
        Fault(
            f"are a part of {_option(whole)}, and more than those: {counts[part]:,} of {counts[whole]:,}", _option(part)
        )
        for part, whole in _PARTS.items()
        if {part, whole} <= counts.keys() and counts[part] > counts[whole]
    ]
    if faults:
        raise AuthorError(faults)
    return Amount(**counts, per=per)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _by_tokens(amount: Amount, places: tuple[str, ...]) -> list[tuple[str, Decimal]]:
    if not places:
        raise _fault("say at which price: --price relay:o3, or --compare direct:o3 relay:o3")
    offers = []
    for place in places:
        ((_, price),) = price_lists.of_place(place, model_needed=True).items()
        usd = price.usd_of(
            amount.input_tokens, amount.output_tokens, amount.cached_input_tokens, amount.reasoning_tokens
        )
        offers.append((place, usd))
    return offers


def _measured(
    run_dir: Path, scale: str | None, key: str | None, places: tuple[str, ...]
) -> tuple[Amount, list[tuple[str, Decimal]]]:
    """Return what the requests of a recording, or those with one key, cost, or `scale` requests like them."""

    recording = Recording.open(run_dir)
    run = recording.run
    by_tags = _with_key(recording, key)
    requests, per = _scaled(scale) if scale else (None, None)
    if run.copies > 1 and not places:
        return _at_each_target(by_tags, run, requests, per)
    started = _started(by_tags)
    number = requests or started
    factor = Decimal(number) / started
    costs = [(place, cost_of(by_tags, times(price_lists.of_place(place), factor))) for place in places]
    costs = costs or [(_OWN, paid(by_tags, _dearer(run, factor)))]
    amount = Amount(**_tokens(by_tags, number, started), requests=number, per=per)
    return amount, [(name, _usd(name, cost, own=not places)) for name, cost in costs]


def _with_key(recording: Recording, key: str | None) -> Mapping[Tags, TaggedRequests]:
    """Return the requests of a recording with a key, or all (None), by their tags. Raises AuthorError if none is."""
    by_tags = recording.fold(()).fold.by_tags
    if key is not None:
        if key not in recording.run.keys:
            raise _fault(f"{recording.directory} has {_known(recording.run.keys)}, and no key '{key}'", "--key")
        by_tags = {tags: tagged for tags, tagged in by_tags.items() if tags.plan_tags.key == key}
    if not _started(by_tags):
        with_key = "" if key is None else f" with the key {key}"
        raise _fault(f"{recording.directory} holds no requests{with_key}")
    return by_tags


def _known(keys: Sequence[str]) -> str:
    return f"the keys {', '.join(keys)}" if keys else "one key without a name"


def _started(by_tags: Mapping[Tags, TaggedRequests]) -> int:
    return sum(map(len, by_tags.values()))


def _at_each_target(
    by_tags: Mapping[Tags, TaggedRequests], run: RunInfo, requests: int | None, per: Period | None
) -> tuple[Amount, list[tuple[str, Decimal]]]:
    """Return what each target of an interleaved run cost, or what `requests` like those sent to it would cost there.

    Every arrival went to all of them, so that their sum, as a price, would be that of no provider.
    """
    tokens = Counter[str]()
    offers = []
    for name in run.targets:
        own = {tags: tagged for tags, tagged in by_tags.items() if tags.plan_tags.target == name}
        started = _started(own)
        if not started:
            raise _fault(f"no request was sent to {name}")
        number = requests or started
        cost = paid_at(name, own, _dearer(run, Decimal(number) / started))
        offers.append((name, _usd(f"at {name}", cost, own=True)))
        tokens.update(_tokens(own, number, started))
    each = {"requests": _started(by_tags)} if requests is None else {"requests": requests, "targets": run.copies}
    return Amount(**tokens, **each, per=per), offers


def _dearer(run: RunInfo, factor: Decimal) -> RunInfo:
    """Return the run with its prices multiplied by a factor."""
    targets = {name: replace(target, prices=times(target.prices, factor)) for name, target in run.targets.items()}
    return replace(run, prices=times(run.prices, factor), targets=targets)


def _usd(name: str, cost: Cost, *, own: bool = False) -> Decimal:
    if cost.unpriced:
        remedy = "name a list by --price" if own else f"write {name}:MODEL to price all as one model"
        raise _fault(f"no price for {', '.join(cost.unpriced)} {name}: {remedy}")
    if cost.usd is None:
        raise _fault(f"{', '.join(cost.untold)} never told its tokens")
    return cost.usd


def _tokens(by_tags: Mapping[Tags, TaggedRequests], requests: int, started: int) -> dict[str, int]:
    """Return the token counts of `requests` like these, of which there were `started`."""
    total = Tokens()
    for tagged in by_tags.values():
        total.merge(tagged.tokens)
    names = ("input", "output", "cached_input", "reasoning")
    return {f"{name}_tokens": getattr(total, name) * requests // started for name in names}


def _scaled(scale: str) -> tuple[int, Period | None]:

    match = _SCALE.fullmatch(scale.strip())
    if not match:
        raise _fault(f"expected so many requests such as '1M-requests/month', got '{scale}'", "--scale")
    count = _count("--scale", match["count"])
    if not count:
        raise _fault(f"expected one request at least, got '{scale}'", "--scale")
    return count, Period(match["per"]) if match["per"] else None


def _currency(code: str | None, rate: str | None) -> tuple[str, Decimal]:
    if code is None and rate is None:
        return "USD", Decimal(1)
    if code is None or rate is None:
        raise _fault("--currency and --exchange-rate belong together, such as --currency CNY --exchange-rate 7.2")
    if not re.fullmatch(r"\d+(\.\d+)?", rate) or not Decimal(rate):
        raise _fault(f"expected what a dollar is worth, such as '7.2', got '{rate}'", "--exchange-rate")
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise _fault(f"expected the code of a currency, such as 'CNY', got '{code}'", "--currency")
    return code, Decimal(rate)


def _count(option: str, text: str | None) -> int:

    if text is None:
        raise _fault("is required, such as 10M; or name a recording", option)
    try:
        return whole_count(text)
    except ValueError as error:
        raise _fault(str(error), option) from None


def _fault(message: str, path: str = "") -> Exception:

    return AuthorError([Fault(message, path)])
