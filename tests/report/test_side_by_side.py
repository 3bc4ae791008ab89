from decimal import Decimal

import pytest
from msgspec import structs

from relayload.core.metrics.side_by_side import AddedAt
from relayload.core.model.record import Outcome
from relayload.core.model.run import TargetInfo
from relayload.core.price import Price
from relayload.report.markdown import render_markdown
from relayload.report.screen import WIDTH, Screen
from relayload.report.side_by_side import render_side_by_side
from relayload.report.text import render_summary


@pytest.fixture
def compared(judged, request_line):
    """A hundred pairs and one that only one target answered; the relay adds 50 ms and costs a tenth."""
    targets = {
        "direct": TargetInfo(base_url="http://a/v1", prices={"o3": Price(input=Decimal(1000), output=Decimal(0))}),
        "relay": TargetInfo(base_url="http://b/v1", prices={"o3": Price(input=Decimal(100), output=Decimal(0))}),
    }
    lines = [
        request_line(index, target=name, service_s=0.2 + place * 0.05, late_s=0.0)
        for index in range(100)
        for place, name in enumerate(targets)
    ]
    lines += [request_line(100, target="direct"), request_line(100, target="relay", outcome=Outcome.TIMED_OUT)]
    return judged([], lines, targets=targets, paired=True)


def test_a_comparison_tells_what_is_added_and_saved(compared):
    text = render_summary(compared[0])
    assert "relay against direct: 100 pairs, measured and ok at both" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "direct relay added 95% interval" in lines
    assert "latency p50 200ms 250ms +50.0ms +50.0ms to +50.0ms" in lines
    assert "TTFT p50 100ms 100ms 0s 0s to 0s" in lines
    assert "no interval of latency p99: 100 pairs are too few; p99 needs about 368" in lines
    assert "no interval of TTFT p99: 100 pairs are too few; p99 needs about 368" in lines
    assert "ok at relay alone 0, at direct alone 1" in lines
    assert "cost: direct $2.02, relay $0.20: saves $1.82 (90.1%)" in lines
    assert max(map(len, text.splitlines())) <= WIDTH


def test_a_comparison_stands_in_markdown_too(compared):
    page = render_markdown(*compared)
    assert "#### relay against direct: 100 pairs, measured and ok at both" in page
    assert "- no interval of latency p99: 100 pairs are too few; p99 needs about 368" in page
    assert r"| latency | p50 | 200ms | 250ms | +50.0ms | +50.0ms to +50.0ms |" in page


def test_pairs_that_are_slow_together_are_worth_fewer_and_more_of_them_are_needed(compared):
    found = AddedAt(p=95.0, base=0.1, new=0.2, added=0.1, low=None, high=None, n=334, effective_n=60, pairs_needed=401)
    further = structs.replace(found, p=99.0, effective_n=98, pairs_needed=1255)
    summary, _ = compared
    (beside,) = summary.comparison.targets
    worse = structs.replace(beside, latency=(found, further), ttft=(structs.replace(found, low=0.0, high=0.2),))
    text = render_side_by_side(structs.replace(summary.comparison, targets=(worse,)))
    told = " ".join(text.split())
    assert (
        "no interval of latency p95, p99: 334 pairs, worth 60 independent ones, are too few; "
        "p95 needs about 401, p99 needs about 1,255"
    ) in told
    assert "no interval of TTFT" not in told


def test_a_comparison_of_before_the_pairs_were_kept_says_no_more_than_it_knows(compared):
    found = AddedAt(p=99.0, base=0.1, new=0.2, added=0.1, low=None, high=None)
    summary, _ = compared
    (beside,) = summary.comparison.targets
    old = structs.replace(beside, latency=(found,), ttft=())
    assert "no interval of latency p99: too few pairs\n" in render_side_by_side(
        structs.replace(summary.comparison, targets=(old,))
    )


@pytest.mark.parametrize("width", range(40, 81, 5))
def test_at_any_width_the_difference_is_told_whole(compared, width: int):
    text = render_side_by_side(compared[0].comparison, Screen(width))
    assert "+50.0ms +50.0ms to +50.0ms" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= width
    assert ("not shown for lack of room" in " ".join(text.split())) == (width < 55)
