"""From the audited answers to what an audit tells: findings, objectives, and the exit code."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import structs

from relayload.audit.options import Asked
from relayload.audit.session import Answers
from relayload.core.audit.findings import Audit
from relayload.core.audit.judge import Terms, judge
from relayload.core.audit.result import AuditResult
from relayload.core.exit_codes import ExitCode
from relayload.core.metrics.catalog import METRICS
from relayload.core.model.verdict import ObjectiveResult, Status
from relayload.core.objectives.evaluate import judge_objective
from relayload.core.objectives.grammar import parse
from relayload.core.objectives.indicators import Indicators
from relayload.core.objectives.objective import Objective
from relayload.core.objectives.recorded_run import RecordedRun
from relayload.core.price import Price, price_of
from relayload.core.units import MONTH_S
from relayload.profile import Profile
from relayload.profile.plan import plan
from relayload.recording import Recording

_RIGHT_ANSWERS = "answers.checked.rate >= 98%"
_USUAL = (
    "usage.input_factor < 1.01",
    "usage.hidden_tokens < 10",
    "usage.output_factor < 1.02",
    "model.differs == 0",
    _RIGHT_ANSWERS,
)
"""What is judged by where the profile says nothing of it."""
_NO_REFERENCE = "no model was compared, as there is no reference: name a target or a recording by --reference"
_RECORDED = "no model was compared: the reference alone was asked"


def judged(about: AuditResult, profile: Profile, asked: Asked, answers: Answers, out: Path) -> AuditResult:
    """Return what is known `about` the audit with what its answers say."""
    audit = judge(answers.lines, terms_of(profile, asked))
    own, usual = objectives_of(profile, asked)
    results = _results(own, usual, audit, answers, out) if asked.options.record is None else ()
    code = answers.code or exit_code_of(audit, results, [objective.text for objective in own])
    return structs.replace(
        about,
        verdict=verdict_of(code, asked, answers),
        audit=audit,
        objectives=results,
        not_compared=_not_compared(asked),
        reference=asked.reference_name,
        recorded_at=asked.recorded.made_at if asked.recorded is not None else None,
        requests=answers.requests,
        usd=None if answers.usd is None else float(answers.usd),
        recordings=tuple(answers.recordings),
        ended_by=answers.ended_by,
        exit_code=int(code),
    )


def verdict_of(code: int, asked: Asked, answers: Answers) -> Status:
    """Return the verdict of an audit that ends with this exit code."""
    if answers.ended_by is not None:
        return Status.STOPPED
    if asked.options.record is not None:
        return Status.NOT_JUDGED
    return _VERDICTS[code]


_VERDICTS: Mapping[int, Status] = MappingProxyType(
    {ExitCode.PASS: Status.PASS, ExitCode.FAIL: Status.FAIL, ExitCode.UNPROVEN: Status.INCONCLUSIVE}
)


def terms_of(profile: Profile, asked: Asked) -> Terms:
    """Return by what the answers are judged."""
    return Terms(
        seed=profile.seed,
        reference=asked.reference_target,
        recorded=asked.recorded,
        against=asked.against,
        prices=dict(_prices(profile, asked)),
        requests_per_month=requests_per_month(profile, asked),
    )


def _prices(profile: Profile, asked: Asked) -> Iterator[tuple[tuple[str | None, str], Price]]:
    for name in asked.targets:
        known = profile.named_targets[name].known_prices
        for model in asked.models:
            if (price := price_of(model, known)) is not None:
                yield (_recorded_name(asked, name), model), price


def _recorded_name(asked: Asked, target: str) -> str | None:
    """Return the name of a target in recordings, which tell a single one by none."""
    return target if len(asked.targets) > 1 else None


def requests_per_month(profile: Profile, asked: Asked) -> dict[tuple[str | None, str], float]:
    """Return the requests of a month by target and model, if the profile's load went on; none where it has no rate."""
    planned = plan(profile)
    length_s = sum(stage.times * stage.for_s for stage in planned.stages if stage.for_s is not None)
    if planned.total is None or not length_s or planned.load_kind != "open":
        return {}
    copies = len(profile.named_targets) if profile.paired else 1
    a_month = planned.total.arrivals / copies * MONTH_S / length_s
    weights = {name: scenario.weight for name, scenario in profile.own_scenarios.items()}
    by_model: dict[str, float] = {}
    for name, scenario in profile.own_scenarios.items():
        share, models = weights[name] / sum(weights.values()), scenario.models
        for model, weight in models.items():
            by_model[model] = by_model.get(model, 0.0) + share * weight / sum(models.values())
    shares = dict.fromkeys(profile.named_targets, 1.0) if profile.paired else profile.target_shares
    return {
        (_recorded_name(asked, target), model): a_month * shares[target] * by_model[model]
        for target in asked.targets
        for model in asked.models
    }


def objectives_of(profile: Profile, asked: Asked) -> tuple[list[Objective], list[Objective]]:
    """Return the profile's objectives on what an audit finds, and the usual ones for what those leave out."""
    own = [objective for objective in profile.objectives if METRICS[objective.metric].of_audit]
    said = {(objective.metric, objective.aggregate) for objective in own}
    usual = [
        objective
        for text in _USUAL
        if (objective := parse(text)) and (objective.metric, objective.aggregate) not in said
    ]
    if not asked.compared:
        usual = [objective for objective in usual if objective.metric != "model"]
    return own, usual


def _results(
    own: Sequence[Objective], usual: Sequence[Objective], audit: Audit, answers: Answers, out: Path
) -> tuple[ObjectiveResult, ...]:
    """Judge by the evaluator of runs; the run that it is told of is the last one.

    The usual objectives leave out what nobody can tell: the output of models whose tokens can't be counted here.
    """
    if not answers.recordings:
        return ()
    folded = Recording.open(out / answers.recordings[-1]).fold((*own, *usual))

    def judged_by(objective: Objective, found: Audit) -> ObjectiveResult:
        return judge_objective(objective, Indicators(RecordedRun(folded.fold, folded.run, found), folded.run, 0))

    counted = structs.replace(audit, usage=tuple(each for each in audit.usage if each.encoding is not None))
    found = [judged_by(objective, audit) for objective in own]
    for objective in usual:
        of_output = objective.aggregate == "output_factor"
        if not of_output or counted.usage:
            found.append(judged_by(objective, counted if of_output else audit))
    return tuple(found)


def _not_compared(asked: Asked) -> str | None:
    if asked.options.record is not None:
        return _RECORDED
    return None if asked.compared else _NO_REFERENCE


def exit_code_of(audit: Audit, results: Sequence[ObjectiveResult], own: Sequence[str]) -> ExitCode:
    """Return the exit code of an audit that asked all its questions.

    What is proven is proven, whatever else is in doubt. So few questions have a right answer that no share of them is
    proven: unless the profile asks for that itself, they only may fail.
    """
    counting = [result for result in results if result.counts]
    if any(result.verdict is Status.FAIL for result in counting):
        return ExitCode.FAIL
    undecided = [result.expr for result in counting if result.verdict is not Status.PASS]
    if audit.doubts or any(expr != _RIGHT_ANSWERS or expr in own for expr in undecided):
        return ExitCode.UNPROVEN
    return ExitCode.PASS
