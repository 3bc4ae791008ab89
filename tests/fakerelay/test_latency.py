from collections.abc import Sequence
from functools import cache

import pytest

from relayload.fakerelay import preset
from relayload.fakerelay.latency import Draw, Draws

DRAWS = 20_000
PARTS = [
    (name, model, kind)
    for name in preset.names()
    for model, about in preset.read(name).models.items()
    for kind in about.kinds
]


@cache
def drawn_by(seed: int) -> Sequence[Draw]:
    draws = Draws(seed)
    return [draws.next() for _ in range(DRAWS)]


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]


@pytest.mark.parametrize(("name", "model", "kind"), PARTS)
def test_draws_of_every_shipped_model_meet_its_percentiles_within_3_percent(name, model, kind):
    relay = preset.read(name)
    about = relay.models[model]
    drawn = drawn_by(relay.seed)
    lengths = about.output_tokens.get(kind.value) or about.output_tokens["any"]
    times = about.ttft.get(kind.value) or about.ttft["any"]
    for expected, values in (
        (times, [about.ttft_of(kind).at(draw.ttft) for draw in drawn]),
        (about.speed, [about.speed.distribution.at(draw.speed) for draw in drawn]),
        (lengths, [about.length_of(kind).at(draw.length) for draw in drawn]),
    ):
        assert percentile(values, 0.50) == pytest.approx(expected.p50, rel=0.03)
        assert percentile(values, 0.99) == pytest.approx(expected.p99, rel=0.03)


def test_the_same_seed_draws_the_same_and_another_does_not():
    first, same, other = Draws(1), Draws(1), Draws(2)
    assert [first.next() for _ in range(5)] == [same.next() for _ in range(5)]
    assert first.next() != other.next()


def test_purposes_are_drawn_independently():
    ttft, speed, length = zip(*drawn_by(1), strict=True)
    for left, right in ((ttft, speed), (ttft, length), (speed, length)):
        covariance = sum(a * b for a, b in zip(left, right, strict=True)) / DRAWS
        assert abs(covariance) < 0.03
