import csv
import json
import os

import pytest

from relayload.core.traffic.dialogues import Dialogue
from relayload.profile.prompt_file import Prompts, read_prompts

ROW = "expected a text or a conversation under 'prompt', 'messages' or 'conversations'"
NUL = "holds a NUL, as UTF-16 without a mark does: save it as UTF-8"
KINDS = ".txt, .jsonl, .ndjson, .csv and .json are read; for others write format: lines, messages or sharegpt"


def read(*asked):
    return read_prompts(*asked).as_texts


@pytest.mark.parametrize(
    ("name", "content", "field", "prompts"),
    [
        ("p.txt", "one\n\n two \r\n三\n", None, ("one", "two", "三")),
        ("p.jsonl", '{"prompt": "a\\nb"}\n\n"bare"\n', None, ("a\nb", "bare")),
        ("p.jsonl", '{"q": "x", "prompt": "y"}', "q", ("x",)),
        ("p.csv", 'id,prompt\n1,"a, b\nc"\n2,d\n', None, ("a, b\nc", "d")),
        ("p.csv", "ask\nx\n", "ask", ("x",)),
        ("p.txt", "\ufeffone\r\ntwo\r\n", None, ("one", "two")),
        ("p.jsonl", '\ufeff{"prompt": "a"}\r\n', None, ("a",)),
        ("p.csv", "\ufeffprompt,id\r\na,1\r\n\r\nb,2\r\n", None, ("a", "b")),
        ("P.CSV", "id, prompt \n1,a\n", None, ("a",)),
        ("p.ndjson", '{"prompt": "a"}', None, ("a",)),
        ("p.json", '["a", {"prompt": "b"}]', None, ("a", "b")),
        ("p.json", '{"prompt": "a"}\n{"prompt": "b"}\n', None, ("a", "b")),
        ("p.csv", f'prompt\n"{"word " * 30_000}"\n', None, (("word " * 30_000).strip(),)),
    ],
)
def test_prompts_are_read_as_the_name_of_the_file_says(tmp_path, name, content, field, prompts):
    (tmp_path / name).write_bytes(content.encode())
    assert read(tmp_path / name, field, 100) == prompts


@pytest.mark.parametrize("name", ["p.txt", "p.csv", "p.jsonl"])
def test_what_powershell_wrote_is_read(tmp_path, name):
    content = {"p.txt": "三\r\n", "p.csv": "prompt\r\n三\r\n", "p.jsonl": '{"prompt": "三"}\r\n'}[name]
    (tmp_path / name).write_bytes(content.encode("utf-16"))
    assert read(tmp_path / name, None, 100) == ("三",)


def test_no_more_is_read_than_asked_for(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}\nbroken')
    assert read(tmp_path / "p.jsonl", None, 1) == ("a",)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.txt", b"\n", "p.txt: holds no prompt"),
        ("p.txt", b"\xff\xff", "p.txt: is not text in UTF-8"),
        (
            "p.jsonl",
            b'{"prompt": "a"}\n{',
            "p.jsonl:2: expected a JSON object: Expecting property name enclosed in double quotes",
        ),
        ("p.jsonl", b'{"text": "a"}', f"p.jsonl:1: {ROW}: found 'text'"),
        ("p.csv", b"a,b\n1,2\n", "p.csv:1: expected a column 'prompt', got a, b"),
        ("p.csv", b"a,prompt\n1,\n", "p.csv:2: expected a text under 'prompt'"),
        ("p.csv", b"a,prompt\n1\n", "p.csv:2: expected a text under 'prompt'"),
        ("p.csv", b"", "p.csv:1: expected a column 'prompt', got none"),
        ("p.csv", b'prompt\na\n"b\nc\nd\n', "p.csv:3: is no row of CSV: unexpected end of data"),
        ("p.csv", b'prompt\n"a"b\n', "p.csv:2: is no row of CSV: ',' expected after '\"'"),
        ("p.csv", b"prompt\na\0b\n", f"p.csv:2: {NUL}"),
        ("p.txt", "a".encode("utf-16-le"), f"p.txt:1: {NUL}"),
        ("p.jsonl", b"[" * 100_000, "p.jsonl:1: is nested too deeply"),
        ("p.jsonl", b'"a"\n{"prompt": NaN}', "p.jsonl:2: holds NaN, which is no JSON"),
        ("p.json", b'["a", {"prompt": ', "p.json: row 2: expected a JSON object: the file ends in the midst of it"),
        ("p.json", b'["a", {"text": "a"}]', f"p.json: row 2: {ROW}: found 'text'"),
        ("p.json", b"[]", "p.json: holds no prompt"),
        ("p.json", b'[{"conversations": []}]', "p.json: holds no conversation that begins with what a user says"),
        ("p.md", b"a\n", f"p.md: is of an unknown kind (.md): {KINDS}"),
        ("prompts", b"a\n", f"prompts: is of an unknown kind: {KINDS}"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="p") as caught:
        read(tmp_path / name, None, 100)
    assert str(caught.value) == f"{tmp_path}/{told}"


SHARED = [
    {"id": "a", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
    {"id": "b", "conversations": []},
    {"id": "c", "conversations": [{"from": "gpt", "value": "so"}, {"from": "human", "value": "Thanks"}]},
    {"id": "d", "conversations": [{"from": "human", "value": "Why?"}]},
]


def asked(*texts: str) -> tuple[Dialogue, ...]:
    return tuple(Dialogue(({"role": "user", "content": text},)) for text in texts)


@pytest.mark.parametrize(
    ("name", "form"),
    [("s.json", None), ("s.jsonl", None), ("s.json", "sharegpt"), ("s.dump", "sharegpt"), ("s.txt", "messages")],
)
def test_conversations_are_read_and_rows_without_a_question_counted(tmp_path, name, form):
    lines = name == "s.jsonl"
    (tmp_path / name).write_text("\n".join(map(json.dumps, SHARED)) if lines else json.dumps(SHARED, indent=2))
    assert read_prompts(tmp_path / name, None, 100, form) == Prompts(dialogues=asked("Hi", "Why?"), left_out=2)
    assert read_prompts(tmp_path / name, None, 1, form) == Prompts(dialogues=asked("Hi"))
    assert read(tmp_path / name, None, 100, form) == ("Hi", "Why?")


def test_texts_among_conversations_are_such_too(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}\n{"messages": [{"role": "user", "content": "b"}]}\n')
    assert read_prompts(tmp_path / "p.jsonl", None, 100).dialogues == asked("a", "b")


def test_a_format_says_what_a_file_of_another_name_is(tmp_path):
    (tmp_path / "prompts.md").write_text("one\n\ntwo\n")
    assert read(tmp_path / "prompts.md", None, 100, "lines") == ("one", "two")


def test_a_csv_has_no_conversations(tmp_path):
    (tmp_path / "p.csv").write_text("prompt\na\n")
    assert read(tmp_path / "p.csv", None, 100, "lines") == ("a",)
    with pytest.raises(ValueError, match=r"p\.csv: a row of a CSV is one text: leave out format, or write lines"):
        read(tmp_path / "p.csv", None, 100, "messages")


def test_a_file_that_changed_is_read_again(tmp_path):
    for text in ("one", "other"):
        (tmp_path / "p.txt").write_text(text)
        assert read(tmp_path / "p.txt", None, 100) == (text,)


def test_a_pipe_is_no_file_to_read_again_and_again(tmp_path):
    os.mkfifo(tmp_path / "p.txt")
    with pytest.raises(ValueError, match=r"p\.txt: is no regular file"):
        read(tmp_path / "p.txt", None, 100)


def test_long_fields_stay_a_fault_elsewhere(tmp_path):
    (tmp_path / "p.csv").write_text("prompt\na\n")
    before = csv.field_size_limit()
    read(tmp_path / "p.csv", None, 100)
    assert csv.field_size_limit() == before
