from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relayload.fakerelay.process import FakeRelay


@pytest.fixture(scope="module")
def start_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., FakeRelay]]:
    """Starts fake relays from the text of a preset; all are stopped at the end of the module."""
    relays: list[FakeRelay] = []

    def start(preset: str, name: str = "custom") -> FakeRelay:
        file: Path = tmp_path_factory.mktemp("presets") / f"{name}.yaml"
        file.write_text(preset, encoding="utf-8")
        relays.append(FakeRelay.start(str(file)))
        return relays[-1]

    yield start
    for relay in relays:
        relay.stop()
