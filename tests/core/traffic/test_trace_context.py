"""The header of W3C Trace Context, and who is sampled."""

import re

import pytest

from relayload.core.traffic.trace_context import TraceContexts

_HEADER = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])")


def test_the_header_is_as_the_standard_has_it():
    context = TraceContexts("uid", 1.0).of(0, "target", 0)
    found = _HEADER.fullmatch(context.header)
    assert found is not None
    assert found[1] == context.trace_id != "0" * 32
    assert found[2] != "0" * 16
    assert found[3] == "01"
    assert context.sampled


def test_each_request_of_each_run_has_its_own():
    of = [TraceContexts(uid, 1.0).of for uid in ("a", "b")]
    found = {each(i, target, turn) for each in of for i in range(20) for target in ("x", "y") for turn in (0, 1)}
    assert len({context.trace_id for context in found}) == len({context.header for context in found}) == 160


def test_the_same_request_has_the_same_again():
    assert TraceContexts("a", 0.5).of(7, "x", 1) == TraceContexts("a", 0.5).of(7, "x", 1)


@pytest.mark.parametrize("share", [0.01, 0.25, 1.0])
def test_a_share_is_sampled_and_the_rest_is_told_not_to_be(share):
    found = [TraceContexts("a", share).of(index, "x", 0) for index in range(20_000)]
    sampled = sum(context.sampled for context in found)
    assert abs(sampled - 20_000 * share) <= 4 * (20_000 * share * (1 - share)) ** 0.5
    assert all(context.header.endswith("-01" if context.sampled else "-00") for context in found)


def test_whoever_is_in_a_smaller_share_is_in_a_larger_one():
    few, many = TraceContexts("a", 0.1), TraceContexts("a", 0.3)
    assert all(many.of(i, "x", 0).sampled for i in range(2000) if few.of(i, "x", 0).sampled)
