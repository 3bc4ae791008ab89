"""Simulated audits. The figures of many are printed by `python tests/audit_simulation.py`."""

import pytest
from audit_simulation import DISHONEST, HONEST, Plan, found_of, honest_audits

SMALL = Plan(prompts=6, each=6, traffic=45, checked=30)


@pytest.mark.parametrize(
    ("audits", "plan"), [(10, SMALL), pytest.param(1000, HONEST, marks=pytest.mark.slow, id="1000")]
)
def test_an_honest_relay_is_accused_in_one_of_100_audits_at_most(audits: int, plan: Plan) -> None:
    found = honest_audits(audits, plan)
    assert found["audits"] <= 0.01 * audits, found


@pytest.mark.parametrize(
    "name",
    [
        "input x1.05",
        "input x1.05 for 30 %",
        "input x1.02 in bursts",
        "2,000 hidden tokens for 30 %",
        "another model (0.45) in bursts",
    ],
)
def test_a_known_dishonesty_is_found(name: str) -> None:
    assert found_of(name, 1, Plan(prompts=20, each=12, traffic=60, checked=30)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", DISHONEST)
def test_each_known_dishonesty_is_found(name: str) -> None:
    missed = 1 if name == "another model (0.45) for half" else 0  # as the power at half a swap has it
    assert found_of(name, 30) >= 30 - missed
