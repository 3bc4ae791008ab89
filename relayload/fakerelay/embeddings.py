"""The embeddings format: generated unit vectors, the same for the same text."""

import base64
import math
from array import array
from random import Random
from typing import Any

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.parsed_request import ParsedEmbeddingRequest


def embeddings(parsed: ParsedEmbeddingRequest, reply: Reply, _created: int, _words: list[str]) -> dict[str, Any]:
    """Return the body of an answer."""
    dimensions = parsed.dimensions or reply.dimensions
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector(seed, dimensions), parsed.as_base64)}
        for index, seed in enumerate(parsed.inputs)
    ]
    usage = {"prompt_tokens": parsed.input_tokens, "total_tokens": parsed.input_tokens}
    return {"object": "list", "data": data, "model": parsed.model, "usage": usage}


def vector(seed: str, dimensions: int) -> list[float]:
    """Return a vector of uniform random bytes from a seeded generator, scaled to length one."""
    values = [byte - 127.5 for byte in Random(seed).randbytes(dimensions)]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]


def _encoded(values: list[float], as_base64: bool) -> list[float] | str:
    return base64.b64encode(array("f", values).tobytes()).decode() if as_base64 else values
