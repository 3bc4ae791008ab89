import asyncio
import sys
from collections.abc import Callable
from functools import partial

import pytest
from support import PATIENCE_S

from relayload import clock
from relayload.fakerelay.ticker import Ticker

NEEDS_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="timerfd is a Linux call")


@pytest.fixture(params=[pytest.param(True, marks=NEEDS_LINUX), False], ids=["timerfd", "loop"])
def run(request):
    return partial(run_scenario, request.param)


def run_scenario(timerfd: bool, scenario) -> list:
    async def main() -> list:
        ticker = Ticker(timerfd=timerfd)
        try:
            return await scenario(ticker)
        finally:
            ticker.close()

    return asyncio.run(main())


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)


def test_jobs_run_in_the_order_in_which_they_are_due(run):
    async def scenario(ticker: Ticker) -> list:
        ran: list[tuple[str, float]] = []
        begun_at_s = clock.now_s()

        def note(name: str, now_s: float) -> None:
            ran.append((name, now_s))

        for name, delay_s in (("third", 0.03), ("first", 0.01), ("second", 0.02), ("past", -5.0)):
            ticker.at(begun_at_s + delay_s, partial(note, name))
        await until(lambda: len(ran) == 4)
        assert all(now_s >= begun_at_s for _, now_s in ran)
        return [name for name, _ in ran]

    assert run(scenario) == ["past", "first", "second", "third"]


def test_a_job_runs_again_as_long_as_it_says_when(run):
    async def scenario(ticker: Ticker) -> list:
        begun_at_s = clock.now_s()
        runs: list[float] = []

        def job(now_s: float) -> float | None:
            runs.append(now_s)
            return begun_at_s + len(runs) * 0.01 if len(runs) < 5 else None

        ticker.at(begun_at_s, job)
        await until(lambda: len(runs) == 5)
        await asyncio.sleep(0.05)  # time enough for a sixth
        assert all(now_s >= begun_at_s + index * 0.01 for index, now_s in enumerate(runs))
        return runs

    assert len(run(scenario)) == 5


def test_jobs_may_add_jobs(run):
    async def scenario(ticker: Ticker) -> list:
        ran: list[str] = []

        def first(now_s: float) -> None:
            ran.append("first")
            ticker.at(now_s, lambda _: ran.append("second"))

        ticker.at(clock.now_s(), first)
        await until(lambda: len(ran) == 2)
        return ran

    assert run(scenario) == ["first", "second"]


def test_an_urgent_job_goes_before_those_that_wait_longer(run, monkeypatch):
    now_s = clock.now_s()
    passed_s = [0.0]
    monkeypatch.setattr(clock, "now_s", lambda: now_s + passed_s[0])

    async def scenario(ticker: Ticker) -> list:
        ran: list[str] = []

        def slow(_now_s: float) -> None:
            ran.append("slow")
            passed_s[0] = 0.01

        ticker.at(now_s - 2.0, slow)
        ticker.at(now_s - 1.0, lambda _: ran.append("waiting"))
        ticker.at(now_s + 0.005, lambda _: ran.append("urgent"), urgent=True)
        await until(lambda: len(ran) == 3)
        return ran

    assert run(scenario) == ["slow", "urgent", "waiting"]


def test_one_job_that_fails_does_not_stop_the_others(run):
    async def scenario(ticker: Ticker) -> list:
        ran: list[str] = []
        failures: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(str(context["exception"])))

        def broken(_now_s: float) -> None:
            raise RuntimeError("broken")

        ticker.at(clock.now_s(), broken)
        ticker.at(clock.now_s() + 0.01, lambda _: ran.append("sound"))
        await until(lambda: ran)
        return [*failures, *ran]

    assert run(scenario) == ["broken", "sound"]
