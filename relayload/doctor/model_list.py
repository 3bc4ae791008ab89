"""The models that a relay lists."""

from relayload.transport.probe_client import Reply, read_json

_MOST_MODELS = 5000
_NAME_LENGTH = 200


def listed_models(reply: Reply) -> tuple[str, ...] | None:
    """Those of an answer to `GET /models`; None where it is no such list."""
    try:
        return tuple(str(model["id"])[:_NAME_LENGTH] for model in read_json(reply.body)["data"][:_MOST_MODELS])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
