import json
import os
import subprocess
import sys

import pytest

from relayload.report.ascii_fallback import json_for, lookalike

PROGRAM = """
import sys, click
from relayload.report.ascii_fallback import allow_any_encoding
allow_any_encoding()
allow_any_encoding()
print("≈ ✓ – é 模")
click.echo("≈ ✓ – é 模 \\udce9")
print("12µs · ∞", file=sys.stderr)
click.echo("12µs · ∞ \\udce9", err=True)
"""


def _ran(encoding: str) -> "subprocess.CompletedProcess[bytes]":
    environ = {**os.environ, "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("encoding", "out", "err"),
    [
        ("latin-1", "~ v - é \\u6a21", "12µs · inf"),
        ("ascii", "~ v - e \\u6a21", "12us | inf"),
        ("ascii:strict", "~ v - e \\u6a21", "12us | inf"),
        ("cp1252", "~ v – é \\u6a21", "12µs · inf"),
        ("utf-8:strict", "≈ ✓ – é 模", "12µs · ∞"),
        ("utf-8", "≈ ✓ – é 模", "12µs · ∞"),
    ],
)
def test_print_and_click_write_to_streams_of_any_encoding(encoding: str, out: str, err: str):
    result = _ran(encoding)
    name = encoding.split(":")[0]
    assert (result.returncode, result.stdout.decode(name)) == (0, f"{out}\n{out} \\udce9\n")
    assert result.stderr.decode(name) == f"{err}\n{err} \\udce9\n"


@pytest.mark.parametrize(
    ("text", "plain"),
    [("≈", "~"), ("Zoë’s", "Zoe's"), ("…–98.5ms", "...-98.5ms"), ("½", "1/2"), ("≤ 3", "<= 3"), ("😀", "\\U0001f600")],
)
def test_what_an_encoding_lacks_is_told_by_what_looks_like_it(text: str, plain: str):
    assert lookalike(text) == plain


def test_a_sign_of_two_characters_takes_the_space_before_its_number_so_that_columns_stay_in_line():
    program = "from relayload.report.ascii_fallback import *\nallow_any_encoding()\nprint('a  ≤ 16,800  b → c')"
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    told = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, check=True, text=True)
    assert told.stdout == "a  <=16,800  b -> c\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8"])
def test_json_is_the_same_document_in_any_encoding(encoding: str):
    content = {"model": "模型“é” 😀", "n": 1}
    text = json.dumps(content, ensure_ascii=False)
    told = json_for(text, encoding)
    assert json.loads(told.encode(encoding)) == content
    assert (told == text) == (encoding == "utf-8")
