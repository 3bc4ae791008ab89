"""The ports on which a run serves its page and its metrics, tried before anything is made for it."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from relayload.core.errors import AuthorError, Fault
from relayload.locust_plugin.options import LOOPBACK, Exports, WebOptions


def check_ports(exports: Exports, web: WebOptions | None) -> None:
    """Raise AuthorError if one of them can't be had. Somebody else may still take it before the run does."""
    page = [] if web is None else [("the page", LOOPBACK, web.port)]
    metrics = [] if exports.prometheus is None else [("metrics", exports.prometheus.host, exports.prometheus.port)]
    check_free([*page, *metrics])


def check_free(wanted: Sequence[tuple[str, str, int]]) -> None:
    """Raise AuthorError if what is to be served can't have its host and port, all at the same time."""
    with ExitStack() as held:
        for what, host, port in wanted:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            try:
                held.enter_context(socket.create_server((host, port), family=family))
            except OSError as error:
                raise AuthorError([Fault(not_served(what, host, port, error))]) from None


def not_served(what: str, host: str, port: int, error: OSError) -> str:
    """Return the message that a port can't be had."""
    return f"{what} can't be served on {host} port {port}: {why_taken(error)}; name another, or port 0 for any free one"


def why_taken(error: OSError) -> str:
    """Return why nobody can listen there, without the address, which `socket.create_server` adds."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return (error.strerror or str(error)).partition(" (while ")[0]
    return os.strerror(error.errno)
