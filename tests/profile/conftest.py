from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.profile import Profile, load

GOOD = """\
name: chat
load:
  kind: open
  stages:
    - {for: 10s, rate: 5/s}
scenarios:
  simple: {model: o3, prompt: simple}
"""

Read = Callable[..., Profile]
Faults = Callable[..., list[str]]


@pytest.fixture
def good() -> str:
    """A small profile without faults; tests replace parts of it, or add to it."""
    return GOOD


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a profile from text; only the variables given are set."""

    def read(text: str, *sets: str, environ: Mapping[str, str] | None = None) -> Profile:
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, sets, environ or {})

    return read


@pytest.fixture
def faults(read: Read, tmp_path: Path) -> Faults:
    """The faults of a profile, each on its line, with the folder of the file left out."""

    def faults(text: str, *sets: str, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(AuthorError) as caught:
            read(text, *sets, environ=environ)
        return [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults]

    return faults


@pytest.fixture
def trace_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a trace in Azure's format with the given rows."""

    def trace_file(*rows: str, header: str = "TIMESTAMP,ContextTokens,GeneratedTokens", end: str = "\n") -> Path:
        path = tmp_path / "azure.csv"
        path.write_bytes("".join(f"{line}{end}" for line in (header, *rows)).encode())
        return path

    return trace_file


@pytest.fixture(scope="session")
def shipped_environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables that the ready profiles refer to."""
    folder = tmp_path_factory.mktemp("trace")
    (folder / "azure.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,1,1\n")
    (folder / "mooncake.jsonl").write_text('{"timestamp": 0, "input_length": 9, "output_length": 1, "hash_ids": [1]}\n')
    azure = str(folder / "azure.csv")
    keys = {"OPENAI_API_KEY": "sk-test", "HOLYSHEEP_API_KEY": "sk-test"}
    return {"AZURE_TRACE": azure, "AZURE_CODE_TRACE": azure, "MOONCAKE_TRACE": str(folder / "mooncake.jsonl"), **keys}
