import gzip
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.profile.trace import recognized, rows

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.5,4808,10\n2023-11-16 18:18:04.5,3180,8\n"
BURSTGPT = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,API\n"
MOONCAKE = '{"timestamp": 0, "input_length": 40, "output_length": 6, "hash_ids": [0, 1]}\n'


@pytest.mark.parametrize(
    ("text", "found", "tokens"), [(AZURE, "azure", 4808), (BURSTGPT, "burstgpt", 472), (MOONCAKE, "mooncake", 40)]
)
def test_a_trace_is_known_by_its_columns(text: str, found: str, tokens: int, tmp_path: Path):
    path = tmp_path / "trace"
    path.write_text(text)
    trace = recognized(path)
    assert trace.format == found
    assert next(rows(trace, 0, ())).input_tokens == tokens


def test_it_may_be_packed(tmp_path: Path):
    path = tmp_path / "trace.csv.gz"
    path.write_bytes(gzip.compress(AZURE.encode()))
    assert recognized(path).format == "azure"


@pytest.mark.parametrize("text", ["", "at,tokens\n1,2\n", "{}\n", "[1]\n", "\x00\n", '{"timestamp": 0}\n'])
def test_another_file_is_no_trace(text: str, tmp_path: Path):
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(AuthorError, match=r"trace\.csv:1:1: is no trace of azure, burstgpt, mooncake"):
        recognized(path)
