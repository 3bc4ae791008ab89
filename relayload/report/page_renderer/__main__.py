"""The renderer: `python -m relayload.report.page_renderer`, with a socket as its stdin.

It ends with the process that started it, also when that is killed, as the socket then ends.
"""

import contextlib
import os
import socket

from relayload.core.model.frames import framed, next_frame
from relayload.report.page_renderer.messages import encoded, message_of
from relayload.report.page_renderer.renderer import Renderer

_NICE = 10


def main() -> None:
    """Answer until nobody asks any more."""
    os.nice(_NICE)
    with socket.socket(fileno=os.dup(0)) as asked, asked.makefile("rb") as reading, contextlib.suppress(OSError):
        asked.setblocking(True)
        renderer = Renderer()
        while (data := next_frame(reading)) is not None:
            answer = renderer.take(message_of(data))
            if answer is not None:
                asked.sendall(framed(encoded(answer)))


main()
