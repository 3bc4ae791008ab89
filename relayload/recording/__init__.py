"""A recording: the files of one run, and nothing else between a run and its verdict.

run.json                what was run, and once it ended in order, how
records-<worker>.jsonl  one line per request, drop and end of a worker; survives the worker
summary.json            rebuilt from the records at any time
verdict.json            likewise, by the objectives in run.json
"""

from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo, TargetInfo, WorkerInfo
from relayload.recording.lines import Damage, RecordWriter
from relayload.recording.recording import Folded, Recording, check_vacant, new_run_dir

__all__ = [
    "Damage",
    "Folded",
    "ProfileInfo",
    "RecordWriter",
    "Recording",
    "RunInfo",
    "StageInfo",
    "TargetInfo",
    "WorkerInfo",
    "check_vacant",
    "new_run_dir",
]
