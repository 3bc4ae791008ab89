"""Made-up runs of every shape, with the objectives that may end them: what an abort and a verdict must agree on."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from msgspec import structs

from relayload.core.metrics.catalog import METRICS
from relayload.core.model.objective_options import NoData, ObjectiveOptions, TooFew
from relayload.core.model.record import Attempt, BreakerState, Drop, Line, Outcome, Record, Transition
from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo, TargetInfo
from relayload.core.objectives.grammar import parse, with_options
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.validation import pointless
from relayload.core.price import Price
from relayload.core.stats.histogram import bucket

_FAILURES = (
    Outcome.RATE_LIMITED,
    Outcome.SERVER_ERROR,
    Outcome.TIMED_OUT,
    Outcome.BROKEN_STREAM,
    Outcome.SHORT_CIRCUITED,
)
_TIMES = ("latency", "service", "ttft", "ttfo", "tpot", "late", "throttled")
_PRICE = Price(input=Decimal(1000), output=Decimal("2000.5"))


@dataclass(frozen=True)
class RandomRun:
    """A run that has ended: its lines in the order in which they were written, each with that instant."""

    info: RunInfo
    lines: list[tuple[float, Line]]
    objectives: list[Objective]
    """Those that may end the run."""
    others: list[Objective]
    """Those that only a verdict judges."""

    @property
    def ended_at_s(self) -> float:
        return max([at_s for at_s, _ in self.lines], default=1.0)


def random_run(seed: int) -> RandomRun:
    """The run of a seed."""
    rng = Random(seed)
    plan = _Plan(rng)
    lines = [*plan.requests(), *plan.transitions()]
    lines.sort(key=lambda timed: timed[0])
    objectives = [_objective(rng, plan) for _ in range(3)]
    info = plan.info
    if plan.kind == "batch":
        requests = sum(isinstance(line, Record) for _, line in lines)
        info = structs.replace(info, requests=requests + rng.choice((0, 0, 2)))
    return RandomRun(info, lines, objectives, [_other(rng, plan) for _ in range(2)])


class _Plan:
    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.kind = rng.choices(("open", "closed", "batch"), (6, 2, 1))[0]
        self.stages = _stages(rng, self.kind)
        self.scenarios = ["chat", "plain", "proof"][: rng.randint(1, 3)]
        self.models = ["o3", "o4"][: rng.randint(1, 2)]
        self.targets = [] if rng.random() < 0.6 else ["ours", "theirs"]
        self.streams = {name: rng.random() < 0.7 for name in self.scenarios}
        self.workers = rng.randint(1, 3)
        self.per_s = rng.choice((1.0, 4.0, 12.0, 40.0, 40.0))
        self.constant = rng.random() < 0.2
        self.typical_s = rng.choice((0.1, 0.5, 2.0))
        self.failing = rng.choice((0.0, 0.01, 0.05, 0.3, 0.9))
        self.odd = rng.choice((0.0, 0.0, 0.05, 0.2))
        self.burst_s = rng.choice((0.5, 3.0, 20.0))
        self.slow_from_s = rng.uniform(0, 60) if rng.random() < 0.5 else 1e9
        prices = {model: _PRICE for model in self.models if rng.random() < 0.85}
        self.info = RunInfo(
            run_id="r",
            profile=ProfileInfo(name="random", sha256="0" * 64),
            started_at="2026-01-02T03:04:05Z",
            load_kind=self.kind,
            stages=self.stages,
            workers=self.workers,
            base_url="http://127.0.0.1/v1",
            targets={name: TargetInfo(base_url="http://127.0.0.1/v1", prices=prices) for name in self.targets},
            streaming=tuple(name for name in self.scenarios if self.streams[name] and rng.random() < 0.7),
            prices=prices,
        )

    def requests(self) -> Iterator[tuple[float, Line]]:
        """Arrivals, of which some fail in bursts, and some are dropped."""
        rng, at_s, index, bad_until_s, good_until_s = self.rng, 0.0, 0, -1.0, 0.0
        ends_s = sum(stage.for_s or 40.0 for stage in self.stages)
        while at_s < ends_s and index < 1800:
            if at_s > good_until_s:
                bad_until_s = at_s + rng.expovariate(1 / self.burst_s)
                good_until_s = bad_until_s + rng.expovariate(1 / self.burst_s)
            failing = self.failing * 1.8 if at_s < bad_until_s else self.failing * 0.2
            stage = self._stage_at(at_s)
            place: dict[str, Any] = {
                "index": index,
                "worker": rng.randrange(self.workers),
                "scenario": rng.choice(self.scenarios),
                "stage": stage.name,
                "model": rng.choice(self.models),
                "measured": not stage.warmup,
                "intended_at_s": at_s,
                "target": rng.choice(self.targets) if self.targets else None,
            }
            if self.kind == "open" and rng.random() < failing / 4:
                yield at_s, Drop(**place, reason=rng.choice(("max_in_flight", "late", "guardrail")))
            else:
                record = self._record(place, failing, at_s)
                yield at_s + record.latency_s, record
            index += 1
            at_s += 0.0 if self.kind == "batch" and rng.random() < 0.5 else rng.expovariate(self.per_s)

    def transitions(self) -> Iterator[tuple[float, Line]]:
        """Breakers that trip now and then, each worker's own."""
        rng = self.rng
        ends_s = sum(stage.for_s or 40.0 for stage in self.stages)
        for worker in range(self.workers):
            for scope in self.models if rng.random() < 0.6 else ():
                at_s, state = rng.expovariate(1 / 15.0), BreakerState.CLOSED
                while at_s < ends_s:
                    following = {BreakerState.CLOSED: BreakerState.OPEN, BreakerState.OPEN: BreakerState.HALF_OPEN}.get(
                        state
                    )
                    after = following or rng.choice((BreakerState.OPEN, BreakerState.CLOSED))
                    yield (
                        at_s,
                        Transition(
                            worker=worker,
                            at_s=at_s,
                            scope=scope,
                            before=state,
                            after=after,
                            reason="failure_rate",
                            enforced=True,
                            target=rng.choice(self.targets) if self.targets else None,
                        ),
                    )
                    state, at_s = after, at_s + rng.expovariate(1 / rng.choice((1.0, 6.0)))

    def _stage_at(self, at_s: float) -> StageInfo:
        begins_at_s = 0.0
        for stage in self.stages:
            begins_at_s += stage.for_s if stage.for_s is not None else 1e9
            if at_s < begins_at_s:
                return stage
        return self.stages[-1]

    def _record(self, place: dict, failing: float, at_s: float) -> Record:
        rng = self.rng
        outcome = rng.choice(_FAILURES) if rng.random() < failing else Outcome.OK
        outcome = Outcome.CANCELLED if rng.random() < self.odd / 2 else outcome
        slow = 3.0 if at_s > self.slow_from_s else 1.0
        service_s = self.typical_s * slow if self.constant else self.typical_s * slow * rng.lognormvariate(0, 0.6)
        late_s = 0.001 if self.constant else rng.expovariate(1 / 0.002)
        throttled_s = rng.choice((0.0, 0.0, service_s / 2))
        tried = tuple(
            Attempt(outcome=Outcome.RATE_LIMITED, status=429, service_s=0.1, input_tokens=rng.choice((None, 7)))
            for _ in range(rng.choice((0, 0, 0, 1, 2)) if rng.random() < failing + 0.02 else 0)
        )
        answer = self._answer(place["scenario"], outcome, service_s)
        return Record(
            **place,
            late_s=late_s,
            latency_s=late_s + throttled_s + service_s,
            outcome=outcome,
            throttled_s=throttled_s,
            attempts=() if outcome is Outcome.SHORT_CIRCUITED else (*tried, answer),
        )

    def _answer(self, scenario: str, outcome: Outcome, service_s: float) -> Attempt:
        rng, ok = self.rng, outcome is Outcome.OK
        answer = Attempt(outcome=outcome, service_s=service_s, status=200 if ok else rng.choice((None, 429, 503)))
        tokens = rng.randint(1, 30)
        if ok and rng.random() >= self.odd:
            answer = structs.replace(answer, input_tokens=20, output_tokens=tokens)
        if not self.streams[scenario] or rng.random() < self.odd or not (ok or rng.random() < 0.4):
            return answer
        gap = bucket(self.typical_s / 10), bucket(self.typical_s)
        gaps = tuple(n for pair in zip(gap, (tokens, rng.choice((0, 0, 1, 3))), strict=True) if pair[1] for n in pair)
        return structs.replace(
            answer,
            ttft_s=service_s / 4,
            ttfo_s=None if rng.random() < self.odd else service_s / 3,
            last_token_s=service_s,
            streamed_tokens=tokens,
            chunk_gaps=gaps,
        )


def _stages(rng: Random, kind: str) -> tuple[StageInfo, ...]:
    if kind == "batch":
        return (StageInfo(name="steady", for_s=None),)
    stages = [StageInfo(name="warm", for_s=rng.choice((2.0, 7.3)), warmup=True)] if rng.random() < 0.5 else []
    stages.append(StageInfo(name="steady", for_s=rng.choice((8.0, 25.0, 60.7))))
    if rng.random() < 0.4:
        stages.append(StageInfo(name="pause", for_s=4.0, warmup=rng.random() < 0.7))
        stages.append(StageInfo(name="top", for_s=rng.choice((10.0, 31.4, None)) if kind == "open" else 10.0))
    return tuple(stages)


def _objective(rng: Random, plan: _Plan) -> Objective:
    text = next(text for text in iter(lambda: _text(rng, plan), None) if pointless(parse(text)) is None)
    options: dict[str, Any] = {
        "abort": True,
        "confidence": rng.choice((0.6, 0.9, 0.95, 0.95, 0.99)),
        "strict": rng.random() < 0.2,
        "on_no_data": rng.choice(list(NoData)),
        "on_too_few": rng.choice(list(TooFew)),
    }
    if rng.random() < 0.5 and not text.startswith("cost"):
        over_s = rng.choice((1.0, 2.5, 3.3, 7.0, 10.0))
        options |= {"over_s": over_s, "for_windows": rng.choice((1, 1, 2, 3))}
    return with_options(parse(text), ObjectiveOptions(**options))


def _other(rng: Random, plan: _Plan) -> Objective:
    """One that no abort may ask for."""
    rate, per_s = rng.choice((0.1, 1, 5, 20)), rng.choice((">=", "<"))
    text = rng.choice(
        (
            f"throughput{_tags(rng, plan, None)}.per_second {per_s} {rate}/s",
            f"output_tokens{_tags(rng, plan, None)}.per_second {per_s} {rate * 10}/s",
            f"goodput{_tags(rng, plan, None)}.per_second {per_s} {rate}/s",
            f"requests{_tags(rng, plan, 'outcome')}.count >= {rng.choice((1, 50, 300))}",
            f"breaker.opened_after < {rng.choice((1, 5))}s",
            f"breaker.recovered_after < {rng.choice((1, 5))}s",
            f"chunk_gap{_tags(rng, plan, 'outcome')}.avg < {plan.typical_s / rng.choice((2, 9)):.9f}s",
            f"errors{_tags(rng, plan, 'kind')}.rate > {rng.choice((1, 20))}%",
            f"retries.rate < {rng.choice((100, 150))}%",
            f"batch.makespan < {rng.choice((1, 30, 100))}s",
        )
    )
    objective = parse(text)
    windowed = rng.random() < 0.3 and objective.aggregate not in METRICS[objective.metric].windowless
    return with_options(
        objective, ObjectiveOptions(on_no_data=rng.choice(list(NoData)), over_s=7.0 if windowed else None)
    )


def _text(rng: Random, plan: _Plan) -> str:
    times = plan.typical_s * rng.choice((0.1, 0.25, 0.5, 1.0, 1.0, 1.5, 3.0))
    share = rng.choice((0, 1, 5, 20, 50, 90))
    kind = rng.choices(
        ("time", "rate", "count", "goodput", "gap", "speed", "breaker", "cost"), (8, 4, 3, 4, 3, 2, 4, 2)
    )[0]
    match kind:
        case "time":
            metric = rng.choice(_TIMES)
            limit = rng.choice((0.001, 0.002)) if metric == "late" else times / 5 if metric == "tpot" else times
            aggregate = rng.choice(("p50", "p90", "p99", "avg", "avg", "max", "min"))
            op = rng.choice(("<", "<=", "<", ">", ">="))
            return f"{metric}{_tags(rng, plan, 'outcome')}.{aggregate} {op} {limit:.9f}s"
        case "speed":
            aggregate, op = rng.choice(("p5", "p50", "avg", "min")), rng.choice(("<", ">", ">="))
            return f"output_rate{_tags(rng, plan, 'outcome')}.{aggregate} {op} {rng.choice((1, 10, 40))}/s"
        case "gap":
            return f"chunk_gap{_tags(rng, plan, 'outcome')}.{rng.choice(('p50', 'p90', 'p98', 'max'))} < {times:.9f}s"
        case "rate":
            metric = rng.choice(("errors", "errors", "retries"))
            percent = share + 100 * (metric == "retries" and rng.random() < 0.2)
            return f"{metric}{_tags(rng, plan, 'kind')}.rate {rng.choice(('<', '<=', '<=', '=='))} {percent}%"
        case "count":
            metric = rng.choice(("errors", "retries"))
            return (
                f"{metric}{_tags(rng, plan, 'kind')}.count {rng.choice(('<', '<=', '=='))} {rng.choice((0, 1, 5, 40))}"
            )
        case "goodput":
            conditions = rng.sample(
                (f"ttft<{times:.9f}s", f"latency<={times:.9f}s", f"tpot<{times / 5:.9f}s"), rng.randint(0, 3)
            )
            parts = [*conditions, *_parts(rng, plan, None)]
            return f"goodput{{{', '.join(parts)}}}.rate {rng.choice(('>', '>='))} {rng.choice((100, 99, 95, 60, 10))}%"
        case "breaker":
            tags = rng.choice(("", "", "{scope=o3}", "{scope!=o3}"))
            op = rng.choice(("<", "<=", "=="))
            return rng.choice(
                (f"breaker{tags}.trips {op} {rng.choice((0, 1, 2, 4))}", f"breaker{tags}.open_time <= {times * 4:.9f}s")
            )
        case _:
            return f"cost{_tags(rng, plan, None)}.usd {rng.choice(('<', '<=', '=='))} ${rng.choice((0.02, 0.5, 2, 20))}"


def _tags(rng: Random, plan: _Plan, own: str | None) -> str:
    parts = _parts(rng, plan, own)
    return f"{{{', '.join(parts)}}}" if parts else ""


def _parts(rng: Random, plan: _Plan, own: str | None) -> list[str]:
    parts = [f"scenario{rng.choice(('=', '!='))}{rng.choice(plan.scenarios)}"] if rng.random() < 0.2 else []
    parts += [f"stage{rng.choice(('=', '!='))}{rng.choice(plan.stages).name}"] if rng.random() < 0.15 else []
    parts += [f"target={rng.choice(plan.targets)}"] if plan.targets and rng.random() < 0.3 else []
    parts += [f"model={rng.choice(plan.models)}"] if rng.random() < 0.1 else []
    if own == "outcome" and rng.random() < 0.3:
        parts.append(f"outcome{rng.choice(('=', '!='))}{rng.choice(list(Outcome))}")
    if own == "kind" and rng.random() < 0.3:
        parts.append(f"kind{rng.choice(('=', '!='))}{rng.choice(('429', '503', 'rate_limited', 'timed_out'))}")
    return parts
