import pytest

from relayload.profile.amounts import SeenAmounts

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    "content", [b"100\n7\n", BOM + b"100\r\n7\r\n", "\ufeff100\r\n7".encode("utf-16-le"), b"\n 0100 \n\n7"]
)
def test_counts_are_read_however_the_file_is_written(tmp_path, content):
    (tmp_path / "c.txt").write_bytes(content)
    assert SeenAmounts(file=tmp_path / "c.txt").content == (100, 7)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "c.txt: holds no number"),
        (b"5\n0\n", "c.txt:2: expected a whole number above 0, got '0'"),
        (b"1.5\n", "c.txt:1: expected a whole number above 0, got '1.5'"),
        ("²\n".encode(), "c.txt:1: expected a whole number above 0, got '²'"),
        (b"1000000001\n", "c.txt:1: expected a whole number up to 1000000000, got '1000000001'"),
        (b"9" * 5000, f"c.txt:1: expected a whole number up to 1000000000, got '{'9' * 60}…'"),
        (b"5\xe9\n", "c.txt: is not text in UTF-8"),
    ],
)
def test_what_is_wrong_with_counts_is_told_with_its_place(tmp_path, content, told):
    (tmp_path / "c.txt").write_bytes(content)
    with pytest.raises(ValueError, match="c") as caught:
        _ = SeenAmounts(file=tmp_path / "c.txt").content
    assert str(caught.value) == f"{tmp_path}/{told}"
