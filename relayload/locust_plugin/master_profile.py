"""Asks the master for its profile, before this worker has a runner."""

from locust.rpc import Message, zmqrpc

import atexit
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from relayload import clock
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.engine.messages import Content, ContentWanted
from relayload.engine.profile_fetcher import answers, fetch
from relayload.locust_plugin.channel import CONTENT, CONTENT_WANTED, pack, unpack
from relayload.profile import Profile

_ASK_AGAIN_S = 1.0
_SAY_SO_AFTER_S = 3.0
_PATIENCE_S = 300.0
"""How long a master is waited for, as Locust's own workers do."""


def profile_of_master(host: str, port: int) -> Profile:
    """Return the profile that the master at this address runs. Its files are kept until this process ends.

    Raises AuthorError if there is no answer, if the master refuses, or with all that is missing here. Exits on Ctrl-C.
    """
    line = _Line(host, port)
    try:
        return fetch(line.ask, _new_folder, os.environ)
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.SIGINT) from None
    finally:
        line.close()


class _Line:
    """A connection to the master, for questions that are answered one by one."""

    def __init__(self, host: str, port: int) -> None:
        self._place = f"{host}:{port}"
        self._id = f"{socket.gethostname()}_asks_for_profile_{uuid4().hex}"
        self._client = zmqrpc.Client(host, port, self._id)

    def ask(self, wanted: ContentWanted) -> Content:
        """Ask again and again until there is an answer. Raises AuthorError if there is none in time."""
        began_s, told = clock.now_s(), False
        while (waited_s := clock.now_s() - began_s) < _PATIENCE_S:
            if waited_s > _SAY_SO_AFTER_S and not told:
                sys.stderr.write(f"relayload: waiting for the master at {self._place} to send its profile\n")
                told = True
            self._client.send(Message(CONTENT_WANTED, pack(wanted), self._id))
            if (content := self._answer(wanted)) is not None:
                return content
        why = f"did not send its profile in {_PATIENCE_S:g} s: does it run, and listen there (--master-bind-host)?"
        raise AuthorError([Fault(f"the master at {self._place} {why}")])

    def close(self) -> None:
        self._client.close(linger=0)

    def _answer(self, wanted: ContentWanted) -> Content | None:
        """Return the answer if it comes before it is time to ask again."""
        until_s = clock.now_s() + _ASK_AGAIN_S
        while (left_s := until_s - clock.now_s()) > 0:
            if self._client.socket.poll(round(left_s * 1000)):
                message = self._client.recv()
                content = unpack(message.data, Content) if message.type == CONTENT else None
                if content is not None and answers(content, wanted):
                    return content
        return None


def _new_folder() -> Path:
    """Make a directory that is removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="relayload-profile-"))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, pid: int) -> None:
    """Remove the files of a profile, unless this is a process that was forked later: others still read them."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
