"""The built-in prompts by language and kind of answer, which are data files of this package."""

from functools import cache
from importlib.resources import files

import msgspec

NAMES = ("simple", "code", "math_proof", "image_reasoning")


@cache
def prompt_sets(language: str) -> dict[str, tuple[str, ...]]:
    """Return the prompts of each name in that language, such as `en`."""
    file = files("relayload.profile") / "prompts" / f"{language}.json"
    return msgspec.json.decode(file.read_bytes(), type=dict[str, tuple[str, ...]])
