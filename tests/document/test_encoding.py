import pytest

from relayload.document.encoding import decoded, open_text

WRITTEN = {
    "utf-8": "three 三\n".encode(),
    "utf-8 with a mark": b"\xef\xbb\xbf" + "three 三\n".encode(),
    "utf-16, little end first": b"\xff\xfe" + "three 三\n".encode("utf-16-le"),
    "utf-16, big end first": b"\xfe\xff" + "three 三\n".encode("utf-16-be"),
}


@pytest.mark.parametrize("content", WRITTEN.values(), ids=WRITTEN)
def test_a_mark_says_the_encoding_and_is_no_text(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with open_text(tmp_path / "f") as file:
        assert file.read() == "three 三\n"
    assert decoded(content) == "three 三\n"


@pytest.mark.parametrize("content", [b"caf\xe9", b"\xff\xfea", b"\xff\xfe\x00\xd8"])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(UnicodeDecodeError):
        decoded(content)


def test_an_empty_file_is_an_empty_text(tmp_path):
    (tmp_path / "f").write_bytes(b"")
    with open_text(tmp_path / "f") as file:
        assert file.read() == ""
