import pytest

from relayload.core.metrics.token_pairs import TokenPairs, token_pairs
from relayload.core.model.audited import Audited


@pytest.fixture
def audited():
    def audited(counted: int | None, reported: int | None, target: str | None = None, model: str = "o3") -> Audited:
        return Audited(
            index=0, worker=0, scenario="simple", stage="steady", model=model, measured=True, intended_at_s=0.0,
            target=target, request="a", counted_input=counted, input_tokens=reported,
        )  # fmt: skip

    return audited


def test_each_target_and_model_has_the_pairs_that_were_counted_once(audited):
    lines = [audited(20, 21), audited(10, 10), audited(20, 21), audited(None, 5), audited(5, None)]
    lines += [audited(7, 9, "relay"), audited(8, 8, "relay", "o4")]
    assert token_pairs(lines) == (
        TokenPairs(None, "o3", ((10, 10), (20, 21))),
        TokenPairs("relay", "o3", ((7, 9),)),
        TokenPairs("relay", "o4", ((8, 8),)),
    )


def test_many_pairs_are_thinned_out_from_end_to_end(audited):
    (found,) = token_pairs([audited(number, number) for number in range(1000)], most=10)
    assert len(found.pairs) == 10
    assert (found.pairs[0], found.pairs[-1]) == ((0, 0), (999, 999))
