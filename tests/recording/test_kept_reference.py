"""A run keeps the recorded answers of its reference, so that the gate and a merged run are judged by them as well."""

from pathlib import Path

import msgspec
import pytest

from relayload.core.audit.questions import questions_sha256
from relayload.core.audit.reference import ReferenceAnswers
from relayload.core.errors import AuthorError
from relayload.core.model.audited import Audited
from relayload.recording import Recording
from relayload.recording.kept_reference import keep_reference, kept_reference
from relayload.recording.merge import merge

PROMPTS = range(4)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    recorded = ReferenceAnswers(
        made_at="2026-03-01T12:00:00+00:00",
        base_url="https://vendor.example/v1",
        model="o3",
        temperature=1.0,
        questions_sha256=questions_sha256(),
        relayload="0.1.0",
        answers={f"open:{prompt}": [f"vendor {number}" for number in range(6)] for prompt in PROMPTS},
    )
    file = tmp_path / "vendor.json"
    file.write_bytes(msgspec.json.encode(recorded))
    return file


@pytest.fixture
def recording(tmp_path: Path, make_run, end_line) -> Recording:
    recording = Recording.create(tmp_path / "run", make_run(offered=0))
    writer = recording.writer(0)
    for index in range(24):
        prompt = index % len(PROMPTS)
        answer = Audited(
            index=index, worker=0, scenario="audit_open", stage="steady", model="o3", measured=True,
            intended_at_s=float(index), request=f"{prompt}", question=f"open:{prompt}", text=f"another {index}",
        )  # fmt: skip
        writer.write(answer)
    writer.write(end_line(0))
    writer.close()
    return recording


def test_a_recording_is_judged_by_the_reference_that_it_keeps(recording, reference):
    without = recording.summarize().audit
    assert without is not None
    assert without.differences == ()
    keep_reference(recording.directory, reference)
    audit = Recording.open(recording.directory).rebuild().audit
    assert audit is not None
    (found,) = audit.differences
    assert (found.target, found.reference, found.model, found.differs) == ("", "recorded", "o3", True)
    written = msgspec.json.decode((recording.directory / "summary.json").read_bytes())
    assert written["audit"]["differences"][0]["differs"] is True


def test_a_merged_recording_keeps_it(recording, reference, tmp_path: Path):
    keep_reference(recording.directory, reference)
    merged = merge([recording.directory], tmp_path / "merged")
    assert kept_reference(merged.directory) == kept_reference(recording.directory) is not None


def test_a_recording_without_a_reference_has_none(recording):
    assert kept_reference(recording.directory) is None


@pytest.mark.parametrize(("content", "fault"), [(b"[]", "Expected `object`"), (b"{", "truncated")])
def test_another_file_is_refused_in_one_line(recording, tmp_path: Path, content: bytes, fault: str):
    file = tmp_path / "other.json"
    file.write_bytes(content)
    with pytest.raises(AuthorError, match=f"is not what relayload audit --record writes: .*{fault}"):
        keep_reference(recording.directory, file)
    with pytest.raises(AuthorError, match="can't be read"):
        keep_reference(recording.directory, tmp_path / "missing.json")
