"""Tells whether two requests ask the same, whichever way they were sent."""

from hashlib import blake2b

import msgspec

from relayload.core.wire.formats import FORMATS, output_budget
from relayload.core.wire.request import WireRequest

_WAYS = frozenset({"stream", "stream_options", "model"})
"""Fields that change how an answer comes, or that every target names otherwise."""
_HASH_BYTES = 8


def request_hash(request: WireRequest, model: str) -> str:
    """Return a short hash of a request for a model, by the name that all targets have in common."""
    ways = _WAYS.union(FORMATS[request.endpoint].budget_fields)
    asked = {name: value for name, value in request.body.items() if name not in ways}
    whole = [request.endpoint.value, model, output_budget(request), asked]
    return blake2b(msgspec.json.encode(whole, order="deterministic"), digest_size=_HASH_BYTES).hexdigest()
