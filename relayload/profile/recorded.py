"""The `recording:` of a profile: how much of a run is kept on disk."""

from typing import Annotated, Literal

from pydantic import AfterValidator

from relayload import zstd
from relayload.core.model.kept_records import KeptRecords
from relayload.core.model.run import ALL
from relayload.profile.sample_share import one_of_or_sample, sample_share
from relayload.profile.types import ByteCount, Part, Text
from relayload.recording.compression import Compression
from relayload.recording.growing_file import Storage

_LEAST_BYTES = 2_000_000


def _kept(text: str) -> str:
    if text not in (ALL, "errors", "none") and sample_share(text) is None:
        raise ValueError(f"expected all, errors, none, or a share such as 'sample 1%', got '{text}'")
    return text


def _installed(compress: str) -> str:
    if zstd.library() is None:
        raise ValueError("zstd is not installed here: write pip install 'relayload[zstd]'")
    return compress


def _longer_than_a_line(size: int) -> int:
    if size < _LEAST_BYTES:
        raise ValueError("expected at least 2MB: a file holds whole lines")
    return size


class Recorded(Part):
    """How much of the run is kept on disk, and how."""

    records: Annotated[Text, AfterValidator(_kept), one_of_or_sample(ALL, "errors", "none")] = ALL
    """Which single requests are kept: `all`, `errors`, a share of the arrivals such as `sample 1%`, or `none`. Unless
    it is `all`, the verdict and all numbers come from `snapshots.jsonl`, which counts every request."""
    compress: Annotated[Literal["zstd"], AfterValidator(_installed)] | None = None
    """Compress the records while they are written: what a killed process had not written yet, half a second's
    worth, is lost."""
    rotate_bytes: Annotated[ByteCount, AfterValidator(_longer_than_a_line)] | None = None
    """Begin another file of records where one would grow beyond this: `records-0.jsonl` is followed by
    `records-0.1.jsonl`."""

    def kept(self, seed: int) -> KeptRecords:
        """Return which records are kept."""
        share = 1.0 if self.records == ALL else sample_share(self.records) or 0.0
        return KeptRecords(failed=self.records in (ALL, "errors"), share=share, seed=seed)

    @property
    def storage(self) -> Storage:
        """Return how the files of records are stored."""
        compression = Compression.ZSTD if self.compress else Compression.NONE
        return Storage(compression, self.rotate_bytes)
