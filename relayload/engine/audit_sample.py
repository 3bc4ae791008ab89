"""The answers of one process that are audited: a seeded sample, kept during the load and counted after it.

Before a request is sent it is decided whether its answer is kept, by a hash of the seed and its index: those of the
same arrivals for every target. Prompts are not kept, since a job writes its request again.
"""

from msgspec import Struct

from relayload.client.caller import Called
from relayload.core.audit.bottom_sample import BottomSample
from relayload.core.limits.stated import limit_headers
from relayload.core.model.record import Attempt, Outcome
from relayload.core.traffic.draws import uniform
from relayload.core.wire.kept import Kept
from relayload.core.wire.request import Endpoint
from relayload.profile import Profile
from relayload.profile.job import Job

MOST_KEPT_BYTES = 64 << 20
"""The memory for the texts of one process; beyond it, the sample with most of them gets smaller."""
_MOST_ANSWERS_TO_QUESTIONS = 20_000
"""Answers to questions are all kept, up to so many of each target and model."""
_ANSWER_BYTES = 600
"""About what an answer takes beside its texts."""


class HeldAnswer(Struct, frozen=True, kw_only=True, gc=False):
    """An ok answer, and what is needed to write its request again."""

    job: Job
    attempt: Attempt
    kept: Kept
    retried: bool
    """Whether an attempt before had the same prompt."""
    limits: dict[str, str]
    """The headers of the answer that may tell of limits."""

    @property
    def held_bytes(self) -> int:
        kept = self.kept
        return _ANSWER_BYTES + len(kept.body) + len(kept.text) + len(kept.thoughts) + sum(map(len, kept.calls))


Stratum = tuple[str, str, bool]
"""Target, model, and whether it is a question."""


class AuditSample:
    """The audited answers of one process."""

    def __init__(self, profile: Profile) -> None:
        self._seed = profile.seed
        self._answers = profile.audit.answers
        scenarios = profile.scenarios.values()
        self._texts = tuple(each.endpoint is not Endpoint.EMBEDDINGS for each in scenarios)
        self._asks = tuple(bool(each.question_kinds) for each in scenarios)
        self._wanted = tuple(
            has_text and (asks or self._answers > 0) for has_text, asks in zip(self._texts, self._asks, strict=True)
        )
        self._strata: dict[Stratum, BottomSample[HeldAnswer]] = {}

    def wants(self, job: Job, turn: int) -> bool:
        """Return whether the answer is to be kept; then call `take` once it has come, or not."""
        arrival = job.arrival
        if turn or not self._wanted[arrival.scenario]:
            return False
        return self._sample_of(self._stratum(job)).reserve(self._rank(job))

    def take(self, job: Job, called: Called | None) -> None:
        """Keep the answer if it is ok."""
        stratum, rank = self._stratum(job), self._rank(job)
        sample = self._sample_of(stratum)
        answer = None if called is None else called.answer
        if called is None or answer is None or called.outcome is not Outcome.OK or answer.kept is None:
            sample.give_up(rank)
            return
        held = HeldAnswer(
            job=job,
            attempt=answer.attempt,
            kept=answer.kept,
            retried=len(called.attempts) > 1,
            limits=limit_headers(answer.headers),
        )
        sample.keep(rank, held, held.held_bytes)
        while sum(each.held_bytes for each in self._strata.values()) > MOST_KEPT_BYTES:
            max(self._strata.values(), key=lambda each: each.held_bytes).shrink()

    def held(self) -> list[HeldAnswer]:
        """Return the sample in the order in which it is to be counted.

        Questions come first, then one of each target and model in turn.
        """
        samples = sorted(self._strata.items(), key=lambda pair: pair[0])
        questions = [held for (_, _, asks), sample in samples if asks for held in sample.members]
        others = [sample.members for (_, _, asks), sample in samples if not asks]
        turns = range(max(map(len, others), default=0))
        return [*questions, *(members[turn] for turn in turns for members in others if turn < len(members))]

    def clear(self) -> None:
        """Discard all texts."""
        self._strata.clear()

    def _stratum(self, job: Job) -> Stratum:
        return job.addressee.name, job.model, self._asks[job.arrival.scenario]

    def _rank(self, job: Job) -> float:
        return uniform(self._seed, job.arrival.index, "audit")

    def _sample_of(self, stratum: Stratum) -> BottomSample[HeldAnswer]:
        sample = self._strata.get(stratum)
        if sample is None:
            size = _MOST_ANSWERS_TO_QUESTIONS if stratum[2] else self._answers
            sample = self._strata[stratum] = BottomSample(size)
        return sample
