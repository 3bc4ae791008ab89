"""Keeps other web sites from starting, changing or stopping a load with the browser of somebody who can.

Locust lets any site read its answers (CORS) and has no token, so a page from anywhere could post a form to it. Here a
request that a browser says comes from another site changes nothing, be it for Locust's own views or for ours; ours need
a token besides, which no other site can read. Tools that are no browsers don't say where a request comes from: Locust's
own views let them through as before.
"""

import hmac
import logging
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, request

_LOG = logging.getLogger("relayload")
_LOCUSTS = frozenset({"locust.swarm", "locust.stop", "locust.reset_stats"})
_OURS = "relayload."
FIELD = "token"


class SameOrigin:
    """The token of this process, and what is refused."""

    def __init__(self) -> None:
        self._token = secrets.token_urlsafe(32)

    def guard(self, app: Flask) -> None:
        """Check every request from now on."""
        app.before_request(_refuse_others)
        app.before_request(self._refuse_without_token)
        app.after_request(_stay_out_of_frames)

    @property
    def token_to_show(self) -> str | None:
        """The token for a form in the answer to this request; None where a script of another site would read it."""
        navigates = request.headers.get("Sec-Fetch-Mode") == "navigate"
        return self._token if navigates or not _from_another_site() else None

    def _refuse_without_token(self) -> Response | None:
        if request.method != "POST" or not (request.endpoint or "").startswith(_OURS):
            return None
        given = request.form.get(FIELD, "").encode()
        return None if hmac.compare_digest(given, self._token.encode()) else _refused("the form is not of this page")


def _refuse_others() -> Response | None:
    endpoint = request.endpoint or ""
    changes = endpoint in _LOCUSTS or (request.method == "POST" and endpoint.startswith(_OURS))
    return _refused("the request comes from another site") if changes and _from_another_site() else None


def _from_another_site() -> bool:
    """Return whether a browser says so; one that knows Sec-Fetch-Site compares the origins itself."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != request.host


def _refused(why: str) -> Response:
    _LOG.warning("refused a request to %s: %s", request.path, why)
    return Response(f"nothing was changed: {why}; reload it and try again\n", status=403, mimetype="text/plain")


def _stay_out_of_frames(response: Response) -> Response:
    """Keep the page out of another one that could have its buttons pressed unseen."""
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    return response
