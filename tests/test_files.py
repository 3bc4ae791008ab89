import os

import pytest

from relayload import files


def test_a_regular_file_is_read_up_to_a_bound(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2048)
    assert files.content(path, 2048) == b"x" * 2048
    files.check(path, 2048)
    for read in (files.content, files.check):
        with pytest.raises(OSError, match="it is larger than 1 kB"):
            read(path, 1024)


def test_a_link_to_a_regular_file_is_as_good_as_that(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert files.content(tmp_path / "link", 1) == b"x"


@pytest.mark.parametrize("read", [files.opened, files.check, lambda path: files.content(path, 1)])
def test_nothing_else_is_opened(read, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(OSError, match="it is not a regular file"):
            read(path)
    with pytest.raises(IsADirectoryError):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "absent")
