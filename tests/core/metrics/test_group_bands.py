"""Medians over time of each scenario, target and key."""

from relayload.core.metrics.group_bands import MOST_GROUPS, groups_of
from relayload.core.metrics.time_bins import Bins
from relayload.core.metrics.values_by_bin import ByBin
from relayload.core.model.record import Outcome

WAITS = ("ttft", "latency")


def _bands(fold):
    values = {metric: ByBin(fold, metric, Bins.of(fold)) for metric in WAITS}
    return {
        group.dimension: group.bands({metric: group.medians_of(own) for metric, own in values.items()})
        for group in groups_of(fold)
    }


def test_each_group_has_its_own_median_in_each_bin(request_line, folded):
    lines = [
        request_line(
            index, scenario=("fast", "slow")[index % 2], service_s=(0.5, 2.0)[index % 2], intended_at_s=index / 2
        )
        for index in range(8)
    ]
    found = _bands(folded(lines))
    assert list(found) == ["scenario"]
    latency = found["scenario"].medians["latency"]
    assert set(latency) == {"fast", "slow"}
    assert [round(value or 0, 2) for value in latency["fast"][:4]] == [0.5] * 4
    assert [round(value or 0, 2) for value in latency["slow"][:4]] == [2.0] * 4
    assert latency["slow"][4:] == (None,) * (len(latency["slow"]) - 4)


def test_one_group_alone_or_none_that_ended_ok_is_no_division(request_line, folded):
    refused = {"outcome": Outcome.RATE_LIMITED, "error": "http_429", "status": 429}
    assert _bands(folded([request_line(0), request_line(1)])) == {}
    assert _bands(folded([request_line(0, key="a"), request_line(1, key="b", **refused)])) == {}


def test_the_groups_with_the_most_requests_are_kept(request_line, folded):
    names = ["busy", *(f"k{number}" for number in range(MOST_GROUPS + 4)), "busy"]
    lines = [request_line(index, key=name, target=name) for index, name in enumerate(names)]
    found = _bands(folded(lines))
    assert list(found) == ["target", "key"]
    assert found["key"].left == 5
    assert len(found["key"].medians["latency"]) == MOST_GROUPS
    assert next(iter(found["key"].medians["latency"])) == "busy"
