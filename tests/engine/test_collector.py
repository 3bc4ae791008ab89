import gc
from collections.abc import Iterator

import pytest

from relayload.engine.collector import Collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    before = gc.get_threshold()
    collector = Collector()
    collector.start()
    yield collector
    collector.stop()
    gc.set_threshold(*before)
    gc.unfreeze()


def test_leaves_alone_what_was_there_at_the_start(collector: Collector) -> None:
    assert gc.get_freeze_count() > 10_000


def test_times_every_sweep(collector: Collector) -> None:
    assert collector.longest_pause_s == 0.0
    gc.collect()
    assert collector.longest_pause_s > 0.0


def test_sweeps_go_untimed_after_the_end() -> None:
    before, callbacks = gc.get_threshold(), list(gc.callbacks)
    collector = Collector()
    collector.start()
    collector.stop()
    gc.collect()
    gc.set_threshold(*before)
    gc.unfreeze()
    assert collector.longest_pause_s == 0.0
    assert gc.callbacks == callbacks
