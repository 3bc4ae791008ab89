"""What an audit sends: a run for each model and kind of questions, to all targets that take part, and what it costs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from relayload.audit.options import Asked
from relayload.core.audit.asking import asked as questions_at
from relayload.core.audit.questions import Question
from relayload.core.price import price_of
from relayload.core.traffic.prompts import CHAT_TOKENS
from relayload.profile import Profile
from relayload.profile.audit_scenarios import OF_QUESTIONS
from relayload.profile.tokenizer import count_tokens

FIRST = "first"
"""The run of a single question, which tells whether a target answers at all, and at the temperature of the audit."""
_FEATURES_TIMES = 2
"""How often each request field is tried: the same answers to one seed are seen in two."""
_LEFT_OUT = (
    *("prompt", "images", "input_tokens", "max_output_tokens", "min_tokens", "temperature", "tools", "tool_choice"),
    *("response_format", "conversation", "cancel"),
)
"""What questions stand in for."""
_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {"language": "en", "shared_prefix": "0%", "nonce": "true", "ignore_eos": "false"}
)
"""What else they say themselves."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run: each of some questions so many times to each target."""

    name: str
    """The directory of its recording."""
    model: str
    scenario: str
    kind: str
    asked: tuple[Question, ...]
    times: int
    stream: bool

    @property
    def requests(self) -> int:
        """The requests to each target."""
        return len(self.asked) * self.times

    @property
    def input_tokens(self) -> int:
        return self.times * sum(_tokens_of(question) for question in self.asked)

    @property
    def most_output_tokens(self) -> int:
        return self.times * sum(question.max_output_tokens for question in self.asked)


def steps_of(profile: Profile, asked: Asked) -> tuple[Step, ...]:
    """Return the runs of an audit, the first answers of all models first.

    A recording takes only the open questions; where no model is compared, each of those is asked once, for its usage.
    """
    models, options = asked.models, asked.options
    recording = options.record is not None
    times = options.samples if recording or asked.compared else 1
    named = [(model, scenario, _suffix(models, model)) for model, scenario in models.items()]
    found = [_step(profile, FIRST, model, scenario, suffix, "open", 1, 1) for model, scenario, suffix in named]
    for model, scenario, suffix in named:
        found.append(_step(profile, "open", model, scenario, suffix, "open", times, asked.prompts))
        if not recording:
            found += _checked(profile, model, scenario, suffix)
    return tuple(found)


def _checked(profile: Profile, model: str, scenario: str, suffix: str) -> Iterator[Step]:
    """Yield the questions that have a right answer, both streamed and in one piece, and those on request fields."""
    checked = _step(profile, "checked", model, scenario, suffix, "checked", 1)
    yield checked
    name = "plain" if checked.stream else "streamed"
    yield _step(profile, name, model, scenario, suffix, "checked", 1, stream=not checked.stream)
    yield _step(profile, "features", model, scenario, suffix, "features", _FEATURES_TIMES)


def _step(
    profile: Profile,
    name: str,
    model: str,
    scenario: str,
    suffix: str,
    kind: str,
    times: int,
    most: int | None = None,
    *,
    stream: bool | None = None,
) -> Step:
    asked_by = profile.own_scenarios[scenario]
    known = tuple(question for question, _ in questions_at((kind,), profile.seed, asked_by.endpoint))
    streamed = asked_by.streams if stream is None else stream
    return Step(f"{name}{suffix}", model, scenario, kind, known[:most], times, streamed)


def _suffix(models: Mapping[str, str], model: str) -> str:
    """Return what tells the runs of several models apart, as a part of a file name."""
    if len(models) == 1:
        return ""
    return f"-{list(models).index(model) + 1}-{re.sub(r'[^A-Za-z0-9_.-]+', '-', model)[:60]}"


def overrides(step: Step, profile: Profile, concurrency: int, reference: str | None) -> list[str]:
    """Return what a run changes of the profile, as `--set` has it. `reference` is a target."""
    scenario, place = profile.own_scenarios[step.scenario], f"scenarios.{step.scenario}"
    others = [f"scenarios.{name}=null" for name in profile.own_scenarios if name != step.scenario]
    load = {"kind": "batch", "requests": step.requests, "max_concurrent": concurrency}
    audit: dict[str, Any] = {"share": "0%", "reference": reference}
    return [
        *others,
        *_paired(profile),
        f"load={json.dumps(load)}",
        "objectives=[]",
        "recording.records=all",
        *(f"audit.{name}={json.dumps(value)}" for name, value in audit.items()),
        *(f"{place}.{name}=null" for name in _LEFT_OUT if getattr(scenario, name) is not None),
        f"{place}.objectives=[]",
        *(f"{place}.{name}={value}" for name, value in _DEFAULTS.items() if name in scenario.model_fields_set),
        f"{place}.body={json.dumps(_body(profile, step.scenario))}",
        f"{place}.model={json.dumps(step.model)}",
        f"{place}.stream={json.dumps(step.stream)}",
        f"{place}.questions={step.kind}",
        f"{place}.most_questions={len(step.asked)}",
    ]


def _paired(profile: Profile) -> Iterator[str]:
    """Yield what has every target be sent everything, in an order that is drawn for each request."""
    yield f"compare={'randomised' if profile.several else 'null'}"
    for name, target in (profile.targets or {}).items():
        if target.share != 1.0:
            yield f"targets.{name}.share=1"


def left_out(profile: Profile, asked: Asked) -> list[str]:
    """Return what leaves the audit's targets, scenarios and models alone in the profile, as `--set` has it."""
    others = [name for name in profile.named_targets if name not in asked.targets]
    compared = ["compare=null"] if others and len(asked.targets) < 2 and profile.compare else []
    named = ["audit.reference=null"] if others and profile.audit.reference_target else []
    return [
        *(f"targets.{name}=null" for name in others),
        *compared,
        *named,
        *(f"scenarios.{name}=null" for name in profile.own_scenarios if name not in asked.models.values()),
        *(f"scenarios.{name}.model={json.dumps(mix)}" for name, mix in _models(profile, asked).items()),
        "objectives=[]",
    ]


def _models(profile: Profile, asked: Asked) -> dict[str, dict[str, float]]:
    """Return the models that are audited, with their weights, by scenario."""
    found: dict[str, dict[str, float]] = {}
    for model, scenario in asked.models.items():
        found.setdefault(scenario, {})[model] = profile.own_scenarios[scenario].models[model]
    return found


def _body(profile: Profile, scenario: str) -> dict[str, Any]:
    """Return the scenario's further fields of the body as written, with references to variables."""
    written = profile.written.data["scenarios"][scenario].get("body") or {}
    return {name: value for name, value in written.items() if name not in OF_QUESTIONS}


@dataclass(frozen=True, slots=True)
class Spending:
    """What is sent to one target, and the most that it costs; None where that is not known."""

    requests: int
    input_tokens: int
    most_output_tokens: int
    most_usd: Decimal | None


def spending(steps: Sequence[Step], profile: Profile, target: str) -> Spending:
    """Return what a target gets. Raises AuthorError if its price list can't be read."""
    prices = profile.named_targets[target].known_prices
    usd: Decimal | None = Decimal(0)
    for step in steps:
        price = price_of(step.model, prices)
        usd = None if usd is None or price is None else usd + price.usd_of(step.input_tokens, step.most_output_tokens)
    return Spending(
        requests=sum(step.requests for step in steps),
        input_tokens=sum(step.input_tokens for step in steps),
        most_output_tokens=sum(step.most_output_tokens for step in steps),
        most_usd=usd,
    )


def _tokens_of(question: Question) -> int:
    fields = count_tokens(json.dumps(dict(question.fields))) if question.fields else 0
    return CHAT_TOKENS + fields + sum(count_tokens(str(message["content"])) for message in question.messages)
