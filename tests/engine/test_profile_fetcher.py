"""A profile comes over piece by piece, and whole or not at all."""

from pathlib import Path

import pytest
from msgspec import structs

from relayload.core.errors import AuthorError
from relayload.engine.messages import Content, ContentWanted
from relayload.engine.profile_fetcher import answers, fetch
from relayload.engine.profile_sender import PIECE_BYTES, ProfileSender
from relayload.profile import Profile, load
from relayload.recording.compression import Compression, pack

TEXT = """
name: far
load: {kind: open, stages: [{for: 1s, rate: 20/s}]}
scenarios: {simple: {model: o3, prompt: {file: p.txt}}}
"""


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "p.txt"
    path.write_text("".join(f"tell me of the number {number}\n" for number in range(20_000)))
    return path


@pytest.fixture
def profile(tmp_path: Path, prompts: Path) -> Profile:
    path = tmp_path / "far.yaml"
    path.write_text(TEXT)
    return load(path)


def test_a_file_of_several_pieces_comes_over(profile: Profile, prompts: Path, tmp_path: Path) -> None:
    asked: list[ContentWanted] = []
    sender = ProfileSender(profile)

    def ask(wanted: ContentWanted) -> Content:
        asked.append(wanted)
        return sender.answer(wanted)

    fetched = fetch(ask, lambda: tmp_path / "kept", {})
    assert fetched.sha256 == profile.sha256
    assert [wanted.offset for wanted in asked] == [0, *range(0, prompts.stat().st_size, PIECE_BYTES)]
    (kept,) = (tmp_path / "kept").glob("*/p.txt")
    assert kept.read_bytes() == prompts.read_bytes()
    assert fetched.scenarios["simple"].model_dump()["prompt"]["file"] == kept


def test_only_the_answer_to_a_question_counts() -> None:
    wanted = ContentWanted(version="1", offset=5, sha256="a")
    assert answers(Content(offset=5, sha256="a"), wanted)
    assert not answers(Content(offset=0, sha256="a"), wanted), "a late one"
    assert not answers(Content(offset=5, sha256="b"), wanted)
    assert answers(Content(refusal="no"), wanted)
    assert answers(Content(offset=0, sha256="b"), ContentWanted(version="1", offset=0))


@pytest.mark.parametrize("change", ["gone", "shorter", "other"])
def test_a_file_that_changes_meanwhile_is_not_taken(
    profile: Profile, prompts: Path, tmp_path: Path, change: str
) -> None:
    sender = ProfileSender(profile)
    sender.answer(ContentWanted(version="0.1.0", offset=0))
    if change == "gone":
        prompts.unlink()
    else:
        prompts.write_text("other\n" if change == "shorter" else "x" * prompts.stat().st_size)
    with pytest.raises(AuthorError, match="a file of the profile has changed on the master"):
        fetch(sender.answer, lambda: tmp_path / "kept", {})


def test_a_worker_of_another_version_gets_nothing(profile: Profile) -> None:
    content = ProfileSender(profile).answer(ContentWanted(version="9.9", offset=0))
    assert content == Content(
        refusal="a worker has relayload 9.9, and the master 0.1.0: install the same version on both"
    )


def test_a_damaged_piece_is_told(profile: Profile, tmp_path: Path) -> None:
    sender = ProfileSender(profile)
    with pytest.raises(AuthorError, match="a piece of the profile is damaged"):
        fetch(lambda wanted: structs.replace(sender.answer(wanted), data=b"garbage"), lambda: tmp_path, {})


def test_a_worker_without_zstd_is_answered_with_gzip(profile: Profile) -> None:
    content = ProfileSender(profile).answer(ContentWanted(version="0.1.0", offset=0, compression=Compression.GZIP))
    assert content.compression is Compression.GZIP
    assert content.data[:2] == pack(b"", Compression.GZIP)[:2]
