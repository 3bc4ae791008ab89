"""Tiny real language models behind a server of real models, for tests.

    .ci/real_models     installs PyTorch and Transformers, whose server it is, below `.gateways/transformers`

Each server is asked for a model named `tiny`: the one in the folder that it was started in, so that two servers give
different models the same name.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway_processes import INSTALLED, Command, Gateway, Place, Running

MODEL = "tiny"
_PROGRAMS = INSTALLED / "transformers" / "bin"
_MAKES_A_MODEL = Path(__file__).with_name("tiny_model.py")


def _executable() -> Path | None:
    path = _PROGRAMS / "transformers"
    return path if path.exists() else None


def _serve(place: Place) -> Command:
    """Return what serves the model beside it, with draws of its own: by the port, which no other server has."""
    where = ["--host", "127.0.0.1", "--port", str(place.port), "--default-seed", str(place.port)]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(place.folder / "home"), "OMP_NUM_THREADS": "1"}
    return Command([place.executable, "serve", MODEL, "--device", "cpu", *where], offline)


TRANSFORMERS = Gateway("transformers", _executable, _serve)


@contextmanager
def served(folder: Path, seed: int) -> Iterator[Running]:
    """Make the model of a seed in a folder, and serve it."""
    subprocess.run([_PROGRAMS / "python", _MAKES_A_MODEL, folder / MODEL, str(seed)], check=True)
    with TRANSFORMERS.running("", folder) as running:
        yield running
