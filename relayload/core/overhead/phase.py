"""One phase of a measurement, from its records to what was found."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from relayload.core.model.record import Drop, Line, Outcome, Record
from relayload.core.overhead.differences import Floor, floor_of, measures
from relayload.core.overhead.exchanges import ByIndex, by_target, failure_kind, pairs, stated_overhead, streamed
from relayload.core.overhead.fidelity import chunks_of, losing_indices, same_answers, streams_of, usual_gap_s
from relayload.core.overhead.findings import Chunks, Measure, RelayAdds, Resources, Stated, Streams, Way
from relayload.core.stats.ranks import rank_of


@dataclass(frozen=True, slots=True)
class Names:
    """The targets of a measurement by name."""

    direct: str
    again: str
    """The direct way once more, for A/A."""
    relays: tuple[str, ...]

    @property
    def everyone(self) -> tuple[str, ...]:
        return (self.direct, self.again, *self.relays)


@dataclass(frozen=True, slots=True)
class AgainstItself:
    """The direct way against itself: the floor of what can be measured."""

    measures: tuple[Measure, ...]
    same_answers: bool | None
    chunks: Chunks | None

    @classmethod
    def of(cls, lines: Sequence[Line], names: Names, *, from_index: int = 0) -> "AgainstItself":
        sent = by_target(lines, from_index=from_index)
        both = pairs(sent.get(names.direct, {}), sent.get(names.again, {}))
        same = same_answers(both)
        return cls(measures(both), same, chunks_of(both, same=same))

    @property
    def floor(self) -> Floor:
        return floor_of(self.measures)


@dataclass(frozen=True, slots=True)
class Found:
    """What the records of a phase say of every target, and of each relay beside the direct way."""

    ways: tuple[Way, ...]
    relays: tuple[RelayAdds, ...]


def found(
    lines: Sequence[Line],
    names: Names,
    itself: AgainstItself,
    resources: Mapping[str, Resources],
    *,
    loaded: bool,
    from_index: int = 0,
) -> Found:
    """Compare each relay with the direct way. `loaded`: there is a rate, so that streams are sustained or not."""
    sent = by_target(lines, from_index=from_index)
    direct = sent.get(names.direct, {})
    usual_s = usual_gap_s(list(direct.values()))
    dropped = Counter(line.target or "" for line in lines if isinstance(line, Drop) and line.measured)
    same = itself.same_answers

    def way(name: str) -> Way:
        own = sent.get(name, {})
        whole = own.keys() - losing_indices(pairs(direct, own), same=same)
        streams = streams_of(list(own.values()), len(own) + dropped[name], usual_s, whole=whole) if loaded else None
        return _way(name, own, dropped[name], resources.get(name), streams if _streams(own) else None)

    return Found(
        tuple(way(name) for name in (names.direct, *names.relays)),
        tuple(_adds(name, direct, sent.get(name, {}), itself) for name in names.relays),
    )


def _adds(name: str, direct: ByIndex, own: ByIndex, itself: AgainstItself) -> RelayAdds:
    both = pairs(direct, own)
    return RelayAdds(
        relay=name,
        pairs=len(both),
        measures=measures(both, itself.floor),
        chunks=chunks_of(both, same=itself.same_answers),
    )


def _way(name: str, own: ByIndex, dropped: int, resources: Resources | None, streams: Streams | None) -> Way:
    ended = [record for record in own.values() if record.outcome is not Outcome.ABANDONED]
    failed = [record for record in ended if record.outcome is not Outcome.OK]
    return Way(
        target=name,
        requests=len(own),
        ok=len(ended) - len(failed),
        errors=dict(Counter(map(failure_kind, failed)).most_common()),
        dropped=dropped,
        streams=streams,
        stated=_stated(own.values()),
        resources=resources,
    )


def _streams(own: ByIndex) -> bool:
    return any(map(streamed, own.values()))


def _stated(records: Collection[Record]) -> Stated | None:
    told = sorted(seconds for seconds in map(stated_overhead, records) if seconds is not None)
    if not told:
        return None
    return Stated(answers=len(told), p50_s=median(told), p95_s=told[rank_of(0.95, len(told)) - 1])
