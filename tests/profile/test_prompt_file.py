import pytest

from relayload.profile.prompt_file import read


@pytest.mark.parametrize(
    ("name", "content", "field", "prompts"),
    [
        ("p.txt", "one\n\n two \r\n三\n", None, ("one", "two", "三")),
        ("p.jsonl", '{"prompt": "a\\nb"}\n\n"bare"\n', None, ("a\nb", "bare")),
        ("p.jsonl", '{"q": "x", "prompt": "y"}', "q", ("x",)),
        ("p.csv", 'id,prompt\n1,"a, b\nc"\n2,d\n', None, ("a, b\nc", "d")),
        ("p.csv", "ask\nx\n", "ask", ("x",)),
    ],
)
def test_prompts_are_read_as_the_name_of_the_file_says(tmp_path, name, content, field, prompts):
    (tmp_path / name).write_bytes(content.encode())
    assert read(tmp_path / name, field, 100) == prompts


def test_no_more_is_read_than_asked_for(tmp_path):
    (tmp_path / "p.jsonl").write_text('{"prompt": "a"}\nbroken')
    assert read(tmp_path / "p.jsonl", None, 1) == ("a",)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("p.txt", b"\n", "p.txt: holds no prompt"),
        ("p.txt", b"\xff\xfe", "p.txt: is not text in UTF-8"),
        ("p.jsonl", b'{"prompt": "a"}\n{', "p.jsonl:2: expected a JSON object"),
        ("p.jsonl", b'{"text": "a"}', "p.jsonl:1: expected a text under 'prompt'"),
        ("p.csv", b"a,b\n1,2\n", "p.csv:1: expected a column 'prompt', got a, b"),
        ("p.csv", b"a,prompt\n1,\n", "p.csv:2: expected a text under 'prompt'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="p") as caught:
        read(tmp_path / name, None, 100)
    assert str(caught.value) == f"{tmp_path}/{told}"
