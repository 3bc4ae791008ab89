"""Carries out an audit: its runs, one after the other in one Locust, and the audited answers in their recordings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from relayload.audit.options import Asked
from relayload.audit.reference_file import TEMPERATURE
from relayload.audit.steps import FIRST, Step, overrides
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.model.audited import Audited
from relayload.core.model.record import Outcome, Record
from relayload.core.printable import one_line
from relayload.core.units import number_of
from relayload.locust_plugin.runs_in_turn import Audience, Carried, EndedEarly, NotMeasured, Place, RunsInTurn
from relayload.profile import Profile

_REFUSED = (400, 422)


@dataclass(slots=True)
class Answers:
    """What the runs left."""

    lines: list[Audited] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    requests: int = 0
    usd: Decimal | None = None
    ended_by: str | None = None
    code: int = 0
    """How it ended, if that was early."""


class Session:
    """One audit."""

    def __init__(self, profile: Profile, asked: Asked, steps: Sequence[Step], place: Place, audience: Audience) -> None:
        self._profile, self._asked, self._steps = profile, asked, steps
        self._place, self._audience = place, audience

    def ask(self) -> Answers:
        """Ask everything. Raises NotMeasured, and AuthorError if a target refuses the temperature."""
        answers = Answers()
        with RunsInTurn(self._profile, self._place) as runs:
            runs.await_ready(self._audience.watch)
            try:
                for step in self._steps:
                    self._carry_out(runs, step, answers)
            except EndedEarly as ended:
                self._take(ended.run, answers)
                answers.ended_by, answers.code = ended.reason, ended.code
            except NotMeasured as failure:
                if not answers.lines:
                    raise
                answers.ended_by, answers.code = str(failure), failure.code
            answers.requests, answers.usd = runs.requests, runs.usd
        return answers

    def _carry_out(self, runs: RunsInTurn, step: Step, answers: Answers) -> None:
        self._audience.say(f"{step.name}: {number_of(step.requests, 'request')} to each")
        sets = overrides(step, self._profile, self._asked.options.concurrency, self._asked.reference_target)
        run = runs.run(step.name, sets, self._audience.watch)
        if step.name.startswith(FIRST):
            check_first(list(run.recording.lines()), self._asked.targets)
        else:
            self._take(run, answers)

    def _take(self, run: Carried | None, answers: Answers) -> None:
        """Keep the audited answers of a run, but for those to the first question, which is asked again."""
        if run is None:
            return
        answers.recordings.append(run.directory)
        if not run.directory.startswith(FIRST):
            answers.lines += audited(run.recording.lines())


def audited(lines: Iterable[object]) -> list[Audited]:
    """Return the audited answers among the lines of a recording."""
    return [line for line in lines if isinstance(line, Audited)]


def check_first(lines: Iterable[object], targets: Sequence[str]) -> None:
    """Hold the first answer of each target against what an audit needs.

    Raises AuthorError if one refuses the temperature, and NotMeasured if one does not answer.
    """
    records = [line for line in lines if isinstance(line, Record)]
    for target in targets:
        for record in records:
            if record.target in (target, None) and record.outcome is not Outcome.OK:
                _raise(target, record)


def _raise(target: str, record: Record) -> None:
    answer = record.attempts[-1] if record.attempts else None
    said = one_line((answer and answer.relay_message) or "no words of its own", 200).rstrip(".")
    if answer is not None and answer.status in _REFUSED and "temperature" in said.lower():
        message = f"refuses temperature {TEMPERATURE:g}, at which models are compared, for {record.model}: {said}"
        raise AuthorError([Fault(f"{message}; audit another model by --model", path=target)])
    error = (answer and answer.error) or record.outcome.value
    told = f"{target} did not answer the first question to {record.model}: {error}: {said}; relayload doctor tells more"
    raise NotMeasured(ExitCode.UNREACHABLE, told)
