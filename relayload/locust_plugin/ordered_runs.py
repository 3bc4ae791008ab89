"""The Locust side of a series: further orders, which come line by line on stdin, and the answers to them."""

import json
import os
from collections.abc import Iterator

from gevent import select

from relayload.locust_plugin.early import Answer, RunOrder, line_of

_STDIN = 0
_READ_BYTES = 65536


class OrderedRuns:
    """The runs that a launcher orders, one after the other, in one master or lone process."""

    def __init__(self, answers: int, expect_workers: int) -> None:
        """`answers` is the descriptor of the pipe to the launcher."""
        self._answers = answers
        self.expect_workers = expect_workers
        """How many workers of other hosts take part in the first run at least."""

    def __iter__(self) -> Iterator[RunOrder]:
        """Wait for the next order; end with the launcher's."""
        read = b""
        while piece := self._piece():
            *lines, read = (read + piece).split(b"\n")
            for line in lines:
                yield RunOrder(**json.loads(line))

    def tell(self, answer: Answer) -> None:
        """Answer the launcher; one that is gone needs none."""
        try:
            os.write(self._answers, line_of(answer))
        except BrokenPipeError:
            return

    def _piece(self) -> bytes:
        select.select([_STDIN], [], [])
        return os.read(_STDIN, _READ_BYTES)
