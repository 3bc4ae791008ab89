"""The `recording:` of a profile, and what is wrong with others."""

from pathlib import Path

import pytest

from relayload import zstd
from relayload.core.errors import AuthorError
from relayload.core.model.kept_records import EVERY_RECORD, KeptRecords
from relayload.profile import Profile
from relayload.profile.forecast import forecast
from relayload.profile.loading import load
from relayload.recording.compression import Compression
from relayload.recording.growing_file import PLAIN, Storage

_PROFILE = """
name: recorded
load: {kind: open, arrivals: constant, stages: [{for: 1s, rate: 5/s}]}
scenarios:
  simple: {model: o3, prompt: simple}
"""


def _loaded(tmp_path: Path, recording: str) -> Profile:
    file = tmp_path / "p.yaml"
    file.write_text(_PROFILE + recording)
    return load(file)


def test_every_record_is_kept_as_it_is_unless_told_otherwise(tmp_path):
    recording = _loaded(tmp_path, "").recording
    assert (recording.kept(0), recording.storage) == (EVERY_RECORD, PLAIN)


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        ("errors", KeptRecords(failed=True, share=0.0, seed=3)),
        ("none", KeptRecords(failed=False, share=0.0, seed=3)),
        ("sample 1%", KeptRecords(failed=False, share=0.01, seed=3)),
    ],
)
def test_which_records_are_kept_is_told_in_a_word_or_a_share(records: str, kept: KeptRecords, tmp_path):
    assert _loaded(tmp_path, f"recording: {{records: {records}}}\n").recording.kept(3) == kept


def test_records_are_compressed_and_divided(tmp_path):
    pytest.importorskip("backports.zstd")
    recording = _loaded(tmp_path, "recording: {compress: zstd, rotate: 1GB}\n").recording
    assert recording.storage == Storage(Compression.ZSTD, 10**9)


@pytest.mark.parametrize(
    ("recording", "why"),
    [
        ("records: some", "expected all, errors, none, or a share such as 'sample 1%', got 'some'"),
        ("records: sample 0%", "got 'sample 0%'"),
        ("rotate: 1kB", "expected at least 2MB: a file holds whole lines"),
        ("compress: gzip", "expected 'zstd'"),
    ],
)
def test_what_can_not_be_recorded_is_refused(recording: str, why: str, tmp_path):
    with pytest.raises(AuthorError) as refused:
        _loaded(tmp_path, f"recording: {{{recording}}}\n")
    (fault,) = refused.value.faults
    assert why in fault.message
    assert fault.line == 6


def test_zstd_that_is_not_installed_is_told_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(zstd, "library", lambda: None)
    with pytest.raises(AuthorError, match=r"zstd is not installed here: write pip install 'relayload\[zstd\]'"):
        _loaded(tmp_path, "recording: {compress: zstd}\n")


def test_the_plan_says_what_a_recording_will_lack(tmp_path):
    assert forecast(_loaded(tmp_path, "recording: {compress: null}")).notes == ()
    (note,) = forecast(_loaded(tmp_path, "recording: {records: errors}")).notes
    assert "all numbers come from snapshots" in note


@pytest.mark.parametrize(
    ("more", "notes"),
    [
        (
            "targets: {a: {}, b: {}}\ncompare: interleaved\n",
            ["recording: about 1.2GB of records on disk; recording.compress: zstd takes a quarter, "],
        ),
        ("targets: {a: {}, b: {}}\ncompare: interleaved\nrecording: {compress: zstd}\n", []),
        ("", []),
    ],
)
def test_the_plan_says_how_large_a_large_recording_gets(more: str, notes: list[str], tmp_path):
    path = tmp_path / "profile.yaml"
    path.write_text(_PROFILE.replace("for: 1s, rate: 5/s", "for: 10m, rate: 1000/s") + more)
    found = forecast(load(path)).notes
    assert [note[: len(start)] for note, start in zip(found, notes, strict=True)] == notes
