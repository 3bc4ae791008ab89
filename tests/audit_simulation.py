"""Simulated audits: relays and references whose honesty is known.

python tests/audit_simulation.py honest 1000        # how often an honest relay is accused
python tests/audit_simulation.py power 200          # in how many of 100 audits a share of swapped answers is seen
python tests/audit_simulation.py dishonest 100      # in how many of 100 audits each known dishonesty is found
python tests/audit_simulation.py sensitivity 40     # whether the share that should be seen in 90 of 100 audits is
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from relayload.core.audit.findings import Audit
from relayload.core.audit.judge import Terms, judge
from relayload.core.audit.model_difference import Compared, model_differences
from relayload.core.audit.questions import questions_sha256
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.audit.same_distribution import Answers
from relayload.core.model.audited import Audited

LETTERS = "etaoinshrdlucmfw"
CHARACTERS = 100
STAGES = ("low", "plan", "burst")
_QUOTA = 21
"""After how many requests a window begins, with a new quota: odd, since every second prompt has a token more."""
CONDITIONS = {"low": "low rate", "plan": "plan's rate", "burst": "burst"}


@dataclass(frozen=True)
class Writer:
    """A model. Each character is drawn from a distribution that depends on the prompt and the place.

    `moved` is the probability that is moved from the most frequent four letters to the least frequent: the total
    variation distance at each place from the model with 0.
    """

    moved: float = 0.0

    def write(self, prompt: int, rng: random.Random, drift: float = 0.0) -> str:
        """Return an answer. A drift of 1 has it say other things, as a time of day or a burst may."""
        weights = _weights(self.moved)
        drawn = rng.choices(range(16), weights, k=CHARACTERS)
        shift = prompt * 7 + (3 if rng.random() < drift else 0)
        length = CHARACTERS if rng.random() < 0.7 else rng.randint(60, CHARACTERS)
        return "".join(
            [LETTERS[(letter + shift + place * (1 + prompt % 5)) % 16] for place, letter in enumerate(drawn)]
        )[:length]


def _weights(moved: float) -> list[float]:
    base = [0.15] * 4 + [0.04] * 8 + [0.02] * 4
    assert moved <= 0.6
    return [weight - moved / 4 if at < 4 else weight + (moved / 4 if at >= 12 else 0) for at, weight in enumerate(base)]


Report = Callable[[dict, random.Random, str], dict]
"""Changes what an honest relay reports of an answer, as the fields of `Audited`, at a stage."""


@dataclass(frozen=True)
class Relay:
    """How a target answers and reports."""

    writer: Writer = Writer()
    swapped: Writer = Writer(0.45)
    swapped_share: Callable[[str], float] = lambda stage: 0.0
    report: Report = lambda fields, rng, stage: fields
    cut_at: Callable[[str], int | None] = lambda stage: None
    wrong: Callable[[str], float] = lambda stage: 0.01
    """The share of wrong answers to checked questions."""
    refused: Callable[[str], float] = lambda stage: 0.0


@dataclass(frozen=True)
class Plan:
    """An audit: how much is asked of each target."""

    prompts: int = 50
    each: int = 12
    traffic: int = 150
    checked: int = 90
    targets: dict[str, Relay] = field(default_factory=lambda: {"vendor": Relay(), "relay": Relay()})


def audited(plan: Plan, seed: int) -> list[Audited]:
    """Return the answers of an audit. Whatever is odd about the day is odd for all targets."""
    rng = random.Random(f"simulation:{seed}")
    overhead = {target: rng.randint(-3, 3) for target in plan.targets}
    burst_at = rng.random()
    lines = []
    for number, asked in enumerate(_asked(plan, rng)):
        at = number / (plan.prompts * plan.each + plan.traffic + plan.checked)
        drift = 0.3 + 0.3 * (at * 10 % 1) + (0.4 if 0 < at - burst_at < 0.05 else 0)
        for target, relay in plan.targets.items():
            fields = _honest(number, target, asked, rng, overhead[target])
            lines.append(_answered(fields, relay, asked, rng, drift))
    return lines


@dataclass(frozen=True)
class _Asked:
    kind: str
    number: int
    stage: str
    counted: int


def _asked(plan: Plan, rng: random.Random) -> list[_Asked]:
    """Return what is asked in order: every stage has its share of all, mixed."""
    found = []
    for stage_number, stage in enumerate(STAGES):
        own = [
            _Asked("open", number, stage, 15)
            for number in range(plan.prompts)
            for turn in range(plan.each)
            if turn % len(STAGES) == stage_number
        ]
        own += [_Asked("", n, stage, rng.randint(20, 2000)) for n in range(plan.traffic // len(STAGES))]
        own += [_Asked("sums", n % 20, stage, 20) for n in range(plan.checked // len(STAGES))]
        rng.shuffle(own)
        found += own
    return found


def _honest(number: int, target: str, asked: _Asked, rng: random.Random, overhead: int) -> dict:
    repeated = asked.kind == "open" or rng.random() < 0.2
    jitter = (asked.number if asked.kind else number) % 2
    read = asked.counted + overhead + jitter
    return {
        "index": number,
        "worker": 0,
        "scenario": f"audit_{asked.kind}" if asked.kind else "chat",
        "stage": asked.stage,
        "model": "m",
        "measured": True,
        "intended_at_s": float(number),
        "target": target,
        "streamed": rng.random() < 0.5,
        "request": f"{asked.kind}:{asked.number}" if asked.kind else f"chat:{number}",
        "encoding": "o200k_base",
        "counted_input": asked.counted,
        "repeated_input": asked.counted if repeated else 0,
        "counted_reasoning": 0,
        "cached_input_tokens": read // 128 * 128 if repeated and read >= 1024 else 0,
        "input_tokens": read,
        "max_output_tokens": 40 if asked.kind else 300,
        "quota_left": 1 - (number % _QUOTA + 1) / _QUOTA,
        "finish_reason": "stop",
        "question": f"{asked.kind}:{asked.number}" if asked.kind else None,
    }


def _answered(fields: dict, relay: Relay, asked: _Asked, rng: random.Random, drift: float) -> Audited:
    """Return the line of an answer: what was written, then what was reported of it."""
    if asked.kind == "open":
        swapped = rng.random() < relay.swapped_share(asked.stage)
        text = (relay.swapped if swapped else relay.writer).write(asked.number, rng, drift)
        written = len(text) * 2 // 5
    elif asked.kind:
        text, written = "42", rng.randint(1, 12)
        fields["passed"] = rng.random() >= relay.wrong(asked.stage)
    else:
        text, written = None, min(300, int(rng.lognormvariate(4.5, 0.8)) + 1)
    if rng.random() < relay.refused(asked.stage) and text is not None:
        text, written = "I'm sorry, but I can't help with that.", 11
    budget = fields["max_output_tokens"]
    cut = relay.cut_at(asked.stage)
    limit = budget if cut is None else min(cut, budget)
    if written >= limit:
        written, fields["finish_reason"] = limit, "length"
        text = None if text is None else text[: limit * 5 // 2]
    hidden = rng.choice((0, 0, 64, 128)) if asked.kind == "" and written + 128 < budget else 0
    output = written + hidden + (fields["finish_reason"] == "stop")
    fields |= {"text": text, "counted_output": written, "output_tokens": output, "reasoning_tokens": hidden}
    fields = relay.report(fields, rng, asked.stage)
    return Audited(**{"total_tokens": fields["input_tokens"] + fields["output_tokens"], **fields})


def terms(seed: int = 0) -> Terms:
    return Terms(seed=seed, reference="vendor", conditions=CONDITIONS, sensitivities=False)


def alarms(audit: Audit, target: str = "relay") -> Iterator[str]:
    """Yield what an audit says against a target, by the objectives that profiles have as a rule."""
    for each in audit.usage:
        if each.target == target:
            yield from (f"fault {name}" for name in each.faults)
            for side, most in (("input", 1.01), ("output", 1.02)):
                tokens = getattr(each, side)
                if tokens is not None and tokens.factor is not None and tokens.factor.low > most:
                    yield f"{side} factor"
                if side == "input" and tokens is not None and tokens.offset is not None and tokens.offset.low > 10:
                    yield "hidden tokens"
                if tokens is not None and tokens.off_line:
                    yield f"{side} off line"
    yield from ("control" for each in audit.controls if each.differs)
    yield from ("model" for each in audit.differences if each.target == target and each.differs)
    yield from (f"change of {each.quantity}" for each in audit.changes if each.target == target and each.changed)


HONEST = Plan(each=6, traffic=90, checked=30)


def honest_audits(
    audits: int, plan: Plan = HONEST, progress: Callable[[int, dict[str, int]], None] | None = None
) -> Counter[str]:
    """Return the alarms about honest targets, and under `audits` how many have any: of the reference as well."""
    found: Counter[str] = Counter()
    for seed in range(audits):
        audit = judge(audited(plan, seed), terms(seed))
        raised = {alarm for target in plan.targets for alarm in alarms(audit, target)}
        found.update(raised)
        found["audits"] += bool(raised)
        if progress and seed % 50 == 49:
            progress(seed + 1, dict(found))
    return found


def _factor(factor: float, share: float = 1.0) -> Report:
    return _input(lambda tokens: round(tokens * factor), share)


def _hidden(tokens: int, share: float = 1.0) -> Report:
    return _input(lambda read: read + tokens, share)


def _input(reported: Callable[[int], int], share: float) -> Report:
    def report(fields: dict, rng: random.Random, stage: str) -> dict:
        return fields | {"input_tokens": reported(fields["input_tokens"])} if rng.random() < share else fields

    return report


def _output(factor: float, share: float = 1.0) -> Report:
    def report(fields: dict, rng: random.Random, stage: str) -> dict:
        more = round(fields["output_tokens"] * factor)
        return fields | {"output_tokens": more} if rng.random() < share else fields

    return report


def _above(report: Report, stages: Sequence[str] = ("burst",)) -> Report:
    return lambda fields, rng, stage: report(fields, rng, stage) if stage in stages else fields


def _nearly_used(report: Report) -> Report:
    return lambda fields, rng, stage: report(fields, rng, stage) if fields["quota_left"] <= 0.1 else fields


def _cached(fields: dict, rng: random.Random, stage: str) -> dict:
    return fields | {"cached_input_tokens": fields["input_tokens"] // 128 * 128}


def _doubled_reasoning(fields: dict, rng: random.Random, stage: str) -> dict:
    """Reasoning that was sent, reported as twice as much."""
    thought = 100 if fields["question"] is None else 0
    written = fields["counted_output"] + 2 * thought
    return fields | {"counted_reasoning": thought, "reasoning_tokens": 2 * thought, "output_tokens": written}


def _streamed(fields: dict, rng: random.Random, stage: str) -> dict:
    return _factor(1.1)(fields, rng, stage) if fields["streamed"] else fields


def _sum_off(fields: dict, rng: random.Random, stage: str) -> dict:
    return fields | {"total_tokens": fields["input_tokens"] + fields["output_tokens"] + 7}


def _at(stage: str, then: float, otherwise: float = 0.0) -> Callable[[str], float]:
    return lambda at: then if at == stage else otherwise


DISHONEST: dict[str, tuple[Relay, tuple[str, ...]]] = {
    "input x1.02": (Relay(report=_factor(1.02)), ("input factor",)),
    "input x1.05": (Relay(report=_factor(1.05)), ("input factor",)),
    "input x1.5": (Relay(report=_factor(1.5)), ("input factor",)),
    "input x1.02 for 30 %": (Relay(report=_factor(1.02, 0.3)), ("input off line",)),
    "input x1.05 for 30 %": (Relay(report=_factor(1.05, 0.3)), ("input off line",)),
    "input x1.5 for 30 %": (Relay(report=_factor(1.5, 0.3)), ("input off line",)),
    "20 hidden tokens": (Relay(report=_hidden(20)), ("hidden tokens",)),
    "2,000 hidden tokens": (Relay(report=_hidden(2000)), ("hidden tokens",)),
    "20 hidden tokens for 30 %": (Relay(report=_hidden(20, 0.3)), ("input off line", "fault same_request_differs")),
    "2,000 hidden tokens for 30 %": (Relay(report=_hidden(2000, 0.3)), ("input off line",)),
    "input x1.02 in bursts": (Relay(report=_above(_factor(1.02))), ("change of input_factor",)),
    "input x1.5 in bursts": (Relay(report=_above(_factor(1.5))), ("change of input_factor",)),
    "input x1.5 with a quota nearly used": (Relay(report=_nearly_used(_factor(1.5))), ("change of input_factor",)),
    "output x1.1": (Relay(report=_output(1.1)), ("output factor",)),
    "output x1.5 for 30 %": (Relay(report=_output(1.5, 0.3)), ("output off line",)),
    "cached though never sent": (Relay(report=_cached), ("fault cached_never_sent",)),
    "doubled reasoning": (Relay(report=_doubled_reasoning), ("output factor", "output off line")),
    "streamed input x1.1": (Relay(report=_streamed), ("fault streamed_input_differs",)),
    "total beyond the sum": (Relay(report=_sum_off), ("fault total_is_not_the_sum",)),
    "another model (0.3)": (Relay(writer=Writer(0.3)), ("model",)),
    "another model (0.45) for half": (Relay(swapped_share=lambda stage: 0.5), ("model",)),
    "another model (0.45) in bursts": (Relay(swapped_share=_at("burst", 1.0)), ("change of answers",)),
    "cut at 15 tokens in bursts": (
        Relay(cut_at=lambda stage: 15 if stage == "burst" else None),
        ("change of truncated", "change of answer_length"),
    ),
    "30 % refused in bursts": (Relay(refused=_at("burst", 0.3)), ("change of refused",)),
    "70 % wrong in bursts": (Relay(wrong=_at("burst", 0.7, 0.01)), ("change of checked",)),
}
"""Each known dishonesty with the alarms of which one has to be raised."""


def found_of(name: str, audits: int, plan: Plan = Plan()) -> int:
    """Return in how many audits a dishonest relay is found, by an alarm that names what it does."""
    relay, expected = DISHONEST[name]
    dishonest = replace(plan, targets={"vendor": Relay(), "relay": relay})
    return sum(
        not {*expected}.isdisjoint(alarms(judge(audited(dishonest, 10_000 + seed), terms(seed))))
        for seed in range(audits)
    )


def answers_of(
    writer: Writer, seed: str, prompts: int = 50, each: int = 10, other: Writer | None = None, share: float = 0
) -> Answers:
    """Return answers of a model, of which a share is written by another one."""
    rng = random.Random(seed)
    return {
        f"open:{prompt}": [
            (other if other and rng.random() < share else writer).write(prompt, rng) for _ in range(each)
        ]
        for prompt in range(prompts)
    }


def seen_of(moved: float, share: float, audits: int, *, prompts: int = 50, each: int = 10) -> int:
    """Return in how many audits a share of answers of another model, at this distance, is seen."""
    seen = 0
    for seed in range(audits):
        expected = answers_of(Writer(), f"a{seed}", prompts, each)
        other = answers_of(Writer(), f"b{seed}", prompts, each, Writer(moved), share)
        compared = Compared(target="relay", reference="vendor", model="m", expected=expected, answers=other)
        seen += model_differences([compared], (), seed, sensitive=False)[0].differs
    return seen


def recorded(writer: Writer, seed: str, prompts: int = 50, each: int = 10) -> ReferenceAnswers:
    return ReferenceAnswers(
        made_at="2026-01-01T00:00:00+00:00",
        base_url="https://relay.example/v1",
        model=f"moved {writer.moved}",
        temperature=1.0,
        questions_sha256=questions_sha256(),
        relayload="0",
        answers={prompt: list(texts) for prompt, texts in answers_of(writer, seed, prompts, each).items()},
    )


def smallest_shares(moved: float, audits: int) -> Iterator[tuple[int | None, float | None]]:
    """Yield what audits say that they would have seen of a model at this distance."""
    for seed in range(audits):
        expected, other = answers_of(Writer(), f"a{seed}"), answers_of(Writer(), f"b{seed}")
        compared = Compared(target="relay", reference="vendor", model="m", expected=expected, answers=other)
        told = model_differences([compared], [recorded(Writer(moved), f"c{seed}")], seed)[0].sensitivity[0]
        yield told.seen_in_100, told.smallest_share


def _print(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def _main(what: str, audits: int) -> None:
    began = time.perf_counter()
    if what == "honest":
        _print(dict(honest_audits(audits, progress=_print)), "of", audits)
    elif what == "dishonest":
        for name in DISHONEST:
            _print(f"{name:36}", found_of(name, audits), "of", audits)
    elif what == "power":
        for moved in (0.3, 0.45, 0.6):
            for share in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0):
                _print(moved, share, seen_of(moved, share, audits), "of", audits)
    elif what == "sensitivity":
        for moved in (0.3, 0.6):
            _print(moved, sorted(share or 9 for _, share in smallest_shares(moved, audits)))
    _print(f"{time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
