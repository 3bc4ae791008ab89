import shutil
from pathlib import Path

import pytest

from relayload.core.errors import AuthorError
from relayload.core.model.run import ProfileInfo, StageInfo, TargetInfo, WorkerInfo
from relayload.core.model.verdict import Status
from relayload.recording import Recording
from relayload.recording.compression import Compression
from relayload.recording.merge import merge

MERGED = "merged"


@pytest.fixture
def make(tmp_path: Path, make_run, request_line, end_line):
    """Writes a recording of 100 arrivals of one worker, or of every second arrival of several."""

    def make(name: str, worker: int = 0, workers: int = 1, **changes) -> Recording:
        run = make_run(**{"run_id": name, "workers": workers, "offered": 100, **changes})
        recording = Recording.create(tmp_path / name, run)
        writer = recording.writer(worker)
        indices = range(worker, 100, workers)
        for index in indices:
            writer.write(request_line(index, worker=worker))
        writer.write(end_line(worker, started=len(indices)))
        writer.close()
        return recording

    return make


def _merge(tmp_path: Path, *names: str, **options) -> Recording:
    return merge([tmp_path / name for name in names], tmp_path / MERGED, **options)


@pytest.mark.parametrize("compression", list(Compression))
def test_the_workers_of_a_run_on_several_hosts_are_brought_together(make, tmp_path: Path, compression):
    here = make("run-1", worker=0, workers=2)
    there = make("elsewhere", worker=1, workers=2)
    (there.directory / "run.json").unlink()
    assert here.summarize().counts.lost == 50
    whole = _merge(tmp_path, "run-1", "elsewhere", compression=compression)
    counts = whole.summarize().counts
    assert (counts.offered, counts.started, counts.lost, whole.run.workers) == (100, 100, 0, 2)
    assert sorted(line.index for line in whole.lines() if hasattr(line, "index")) == list(range(100))
    names = {path.name for path in whole.directory.glob("records-*")}
    assert names == {f"records-{worker}.jsonl{compression.value}" for worker in (0, 1)}
    assert whole.judge().verdict is Status.NOT_JUDGED


def test_hosts_that_ran_side_by_side_are_one_load(make, tmp_path: Path):
    make("a", worker_reports=(WorkerInfo(worker=0, started=100),), ended_at_s=99.0)
    make("b", worker_reports=(WorkerInfo(worker=0, started=100),), started_at="2026-01-02T03:04:15Z", ended_by="sigint")
    whole = _merge(tmp_path, "b", "a")
    summary = whole.summarize()
    assert (summary.counts.offered, summary.counts.lost, summary.workers) == (200, 0, 2)
    assert summary.generator.reasons == ()
    run = whole.run
    assert (run.run_id, run.started_at, run.ended_at_s, run.ended_by) == (
        "b+a",
        "2026-01-02T03:04:05Z",
        100.0,
        "sigint",
    )
    assert [told.worker for told in run.worker_reports] == [0, 1]
    assert sorted(line.index for line in whole.lines() if hasattr(line, "index")) == list(range(200))


@pytest.mark.parametrize(
    ("end", "word"),
    [
        ({"ended_by": "objective", "stopped_by_objective": "errors.rate < 1%: 9 of 20"}, Status.FAIL),
        ({"ended_by": "guardrail", "stopped_by_guardrail": "max_requests"}, Status.STOPPED),
        ({"ended_by": "sigterm", "stopped_by_objective": "errors.rate < 1%: 9 of 20"}, Status.FAIL),
    ],
)
def test_a_host_that_was_stopped_early_stops_the_whole(end, word: Status, make, tmp_path: Path):
    make("a", objectives=("latency.p50 < 1s",))
    make("b", objectives=("latency.p50 < 1s",), **end)
    verdict = _merge(tmp_path, "a", "b").judge()
    assert verdict.verdict is word
    assert any((end.get("stopped_by_objective") or end["stopped_by_guardrail"]) in why for why in verdict.reasons)


def test_a_host_that_was_killed_makes_the_whole_unfinished(make, tmp_path: Path):
    make("a")
    make("b", ended_by=None, ended_at_s=None, offered=None)
    whole = _merge(tmp_path, "a", "b")
    assert (whole.run.ended_by, whole.run.offered) == (None, None)
    assert whole.judge().verdict is Status.INVALID


def test_merging_three_runs_is_merging_two_and_then_the_third(make, tmp_path: Path):
    for name in "abc":
        make(name)
    at_once = _merge(tmp_path, "a", "b", "c").summarize()
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "ab")
    by_steps = merge([tmp_path / "ab", tmp_path / "c"], tmp_path / "abc").summarize()
    assert by_steps == at_once


def test_hosts_that_gave_their_runs_the_same_name_are_one_load(make, tmp_path: Path):
    make("one/out", run_id="out")
    make("two/out", run_id="out", started_at="2026-01-02T03:04:05.250Z")
    whole = _merge(tmp_path, "one/out", "two/out")
    assert (whole.run.run_id, whole.summarize().counts.started) == ("out+out", 200)


def test_a_run_that_is_part_of_another_is_refused(make, tmp_path: Path):
    for name in "abc":
        make(name)
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "ab")
    with pytest.raises(AuthorError, match=r"ab: holds run b, as one before does"):
        _merge(tmp_path, "c", "b", "ab")


def test_a_torn_line_stays_torn_and_garbage_stays_garbage(make, tmp_path: Path):
    make("a")
    path = make("b").directory / "records-0.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:10], b"garbage\n", *lines[10:-1]])[:-10])
    damages = _merge(tmp_path, "a", "b").fold().damages
    assert [(damage.file, damage.number, damage.torn) for damage in damages] == [
        ("records-1.jsonl", 11, False),
        ("records-1.jsonl", 101, True),
    ]


def test_the_same_records_twice_are_kept_once(make, tmp_path: Path):
    make("a")
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    assert _merge(tmp_path, "a", "copy").summarize().counts.started == 100


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_the_same_records_once_compressed_and_once_not_are_kept_once(make, tmp_path: Path, compression):
    make("a")
    merge([tmp_path / "a"], tmp_path / "packed", compression)
    for names in (("a", "packed"), ("packed", "a")):
        whole = merge([tmp_path / name for name in names], tmp_path / "-".join(names))
        assert whole.summarize().counts.started == 100


@pytest.mark.parametrize("compression", Compression)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_of_records_that_a_killed_master_had_in_part_the_whole_is_taken(
    make, tmp_path: Path, compression: Compression, order: str
):
    make("whole", uid="x")
    merge([tmp_path / "whole"], tmp_path / "b", compression)
    part = make("a", uid="x").directory / "records-0.jsonl"
    part.write_bytes(part.read_bytes()[:-5])
    assert _merge(tmp_path, *order).summarize().counts.started == 100


def test_a_file_that_can_not_be_copied_is_told_and_leaves_nothing_behind(make, tmp_path: Path):
    path = make("a").directory / "records-0.jsonl"
    path.unlink()
    path.mkdir()  # nobody can read a directory, not even root
    with pytest.raises(AuthorError, match=r"records-0\.jsonl: can't be read: Is a directory"):
        _merge(tmp_path, "a")
    assert not (tmp_path / MERGED).exists()


def test_one_recording_alone_can_be_compressed(make, tmp_path: Path):
    recording = make("a")
    (recording.directory / "profile.yaml").write_text("name: a\n")
    recording.update(profile=ProfileInfo(name="trial", sha256="0" * 64, file="profile.yaml"))
    whole = _merge(tmp_path, "a", compression=Compression.GZIP)
    assert whole.summarize() == recording.summarize()
    assert (whole.directory / "profile.yaml").read_text() == "name: a\n"
    sizes = [sum(path.stat().st_size for path in one.directory.glob("records-*")) for one in (whole, recording)]
    assert sizes[0] * 5 < sizes[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_port_of_this_machine_makes_no_difference(host: str, make, tmp_path: Path):
    for name, port in (("a", 41001), ("b", 41002)):
        base_url = f"http://{host}:{port}/v1"
        make(name, base_url=base_url, targets={"fake": TargetInfo(base_url=base_url)})
    whole = _merge(tmp_path, "a", "b")
    assert (whole.run.base_url, whole.summarize().counts.started) == (f"http://{host}:41001/v1", 200)


def test_a_port_of_another_machine_makes_one(make, tmp_path: Path):
    for name, port in (("a", 8000), ("b", 9000)):
        base_url = f"http://relay.example:{port}/v1"
        make(name, base_url=base_url, targets={"relay": TargetInfo(base_url=base_url)})
    with pytest.raises(AuthorError) as refused:
        _merge(tmp_path, "a", "b")
    assert [line.split(": ")[1] for line in str(refused.value).splitlines()] == [
        "differs in its base_url",
        "differs in its targets",
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"profile": ProfileInfo(name="trial", sha256="1" * 64)}, "is of another profile: 'trial' of another content"),
        ({"base_url": "http://127.0.0.1:8000/v2"}, "differs in its base_url"),
        ({"base_url": "https://127.0.0.1:8000/v1"}, "differs in its base_url"),
        ({"base_url": "http://relay.example:8000/v1"}, "differs in its base_url"),
        ({"stages": (StageInfo(name="steady", for_s=50.0),)}, "differs in its stages"),
        ({"started_at": "2026-01-02T04:04:05Z"}, "began 3,600 s away from the first: they were not one load"),
    ],
)
def test_what_does_not_belong_together_is_refused_in_one_line_each(changes, why: str, make, tmp_path: Path):
    make("a")
    make("b", **changes)
    make("c", **changes)
    with pytest.raises(AuthorError) as refused:
        _merge(tmp_path, "a", "b", "c")
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(tmp_path / "b"), str(tmp_path / "c")]
    assert why in lines[0]
    assert not (tmp_path / MERGED).exists()


def test_runs_whose_numbers_come_from_snapshots_are_refused_in_one_line_each(make, tmp_path: Path):
    make("a", records="errors")
    make("b", records="errors", started_at="2026-01-02T03:04:15Z")
    with pytest.raises(AuthorError) as refused:
        _merge(tmp_path, "a", "b")
    why = "kept records: errors, and snapshots of several runs can't be merged"
    assert str(refused.value).splitlines() == [f"{tmp_path / name}: {why}" for name in "ab"]
    assert not (tmp_path / MERGED).exists()


@pytest.mark.parametrize(("names", "later"), [("ab", "b"), ("ba", "a"), ("acb", "b")])
def test_runs_that_followed_one_another_are_refused(names: str, later: str, make, tmp_path: Path):
    make("a", ended_at_s=20.0)
    make("b", ended_at_s=20.0, started_at="2026-01-02T03:04:30Z")
    make("c", ended_at_s=30.0)
    with pytest.raises(AuthorError) as refused:
        _merge(tmp_path, *names)
    assert (
        str(refused.value)
        == f"{tmp_path / later}: did not overlap another: 5 s lie between them, so they were not one load"
    )


def test_runs_that_overlap_are_one_load_and_so_is_one_that_was_killed(make, tmp_path: Path):
    make("a", ended_at_s=20.0)
    make("b", ended_at_s=20.0, started_at="2026-01-02T03:04:24Z")
    make("c", ended_at_s=None, ended_by=None, started_at="2026-01-02T03:04:15Z")
    assert _merge(tmp_path, *"abc").summarize().counts.started == 300


def test_what_the_master_stamped_tells_parts_of_one_run_from_another(make, tmp_path: Path):
    for name, uid in (("one/out", "x"), ("two/out", "y")):
        make(name, run_id="out", uid=uid)
    whole = merge([tmp_path / "one/out", tmp_path / "two/out"], tmp_path / "both")
    assert (whole.run.run_id, whole.run.uid, whole.summarize().counts.started) == ("out+out", "x+y", 200)
    with pytest.raises(AuthorError, match="both: holds run out, as one before does"):
        _merge(tmp_path, "one/out", "both")
    make("elsewhere", worker=1, workers=2, run_id="renamed", uid="z")
    make("here", worker=0, workers=2, run_id="z", uid="z")
    assert _merge(tmp_path, "here", "elsewhere").summarize().counts.started == 100


def test_records_that_can_not_be_told_apart_are_refused(make, tmp_path: Path):
    make("a")
    (make("b").directory / "run.json").unlink()
    (tmp_path / "b" / "records-0.jsonl").write_text("{}\n")
    with pytest.raises(AuthorError, match="holds other records of worker 0 than"):
        _merge(tmp_path, "a", "b")
    make("c")
    with pytest.raises(AuthorError, match=r"b: has no run\.json, so that its run can't be told"):
        _merge(tmp_path, "a", "b", "c")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AuthorError, match="empty: holds no records"):
        _merge(tmp_path, "a", "empty")
    with pytest.raises(AuthorError, match=r"b: has no run\.json, and neither has any other"):
        _merge(tmp_path, "b")


def test_a_file_that_is_cut_short_leaves_nothing_behind(make, tmp_path: Path):
    make("a")
    merge([tmp_path / "a"], tmp_path / "small", Compression.GZIP)
    path = tmp_path / "small" / "records-0.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(AuthorError, match="is cut short or damaged"):
        _merge(tmp_path, "small")
    make("b")
    assert merge([tmp_path / "b"], tmp_path / MERGED).summarize().counts.started == 100


@pytest.mark.parametrize("offered", [60, None])
def test_pairs_of_hosts_that_ran_side_by_side_stay_pairs(
    tmp_path: Path, make_run, request_line, end_line, offered: int | None
):
    targets = {name: TargetInfo(base_url=f"http://{name}/v1") for name in ("direct", "relay")}
    for host in ("a", "b"):
        run = make_run(run_id=host, offered=offered, targets=targets, paired=True)
        writer = Recording.create(tmp_path / host, run).writer(0)
        for index in range(30):
            for name in targets:
                writer.write(request_line(index, target=name))
        writer.write(end_line(0, started=60))
        writer.close()
    summary = _merge(tmp_path, "a", "b").summarize()
    assert (summary.counts.offered, summary.counts.started, summary.counts.lost) == (120, 120, 0)
    assert summary.generator.reasons == ()
    assert summary.comparison is not None
    assert summary.comparison.targets[0].pairs == 60
