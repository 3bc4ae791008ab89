"""By which tokens a model counts, as far as its maker tells: those of OpenAI.

Source: tiktoken, `model.py`, and OpenAI's list of models.
"""

import re

O200K = "o200k_base"
CL100K = "cl100k_base"

_O200K = re.compile(r"chatgpt-4o|gpt-?4o|gpt-?4\.1|gpt-?4\.5|gpt-5|o[134](?:-|$)")
_CL100K = re.compile(r"gpt-4(?:-|$)|gpt-3\.5-turbo|gpt-35-turbo")


def encoding_of(model: str) -> str | None:
    """Return the name of a model's encoding; None where it is not known.

    The name may begin with that of a provider, as in `openai/gpt-4o`, or be that of a fine-tuned model.
    """
    name = model.rpartition("/")[2].lower().removeprefix("ft:")
    if _O200K.match(name):
        return O200K
    return CL100K if _CL100K.match(name) else None
