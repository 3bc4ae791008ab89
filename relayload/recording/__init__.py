"""A recording: the files of one run, from which the verdict is computed.

run.json                what was run and, once it ended cleanly, how it ended
records-<worker>.jsonl  one line per request, drop and end of a worker; survives a kill of the worker. It may be
                        compressed, and followed by records-<worker>.1.jsonl and so on
snapshots.jsonl         what the workers told, where not every request is on record
summary.json            can be rebuilt from the records or the snapshots at any time
verdict.json            likewise, using the objectives in run.json
"""

from relayload.core.model.run import ProfileInfo, RunInfo, StageInfo, TargetInfo, WorkerInfo
from relayload.recording.directory import check_vacant, new_part_dir, new_run_dir
from relayload.recording.folded import Folded
from relayload.recording.lines import Damage, RecordWriter
from relayload.recording.recording import Recording

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
    "new_part_dir",
    "new_run_dir",
]
