"""How relays format their errors: one file for each relay that is imitated."""

from typing import Literal

from relayload.fakerelay.dialects.answers import Dialect, ErrorAnswer, Hints
from relayload.fakerelay.dialects.anthropic import ANTHROPIC
from relayload.fakerelay.dialects.apisix import APISIX
from relayload.fakerelay.dialects.litellm import LITELLM
from relayload.fakerelay.dialects.one_api import ONE_API
from relayload.fakerelay.dialects.openai import OPENAI
from relayload.fakerelay.dialects.openrouter import OPENROUTER

__all__ = ["ANTHROPIC", "DIALECTS", "Dialect", "DialectName", "ErrorAnswer", "Hints"]

DialectName = Literal["openai", "litellm", "one-api", "apisix", "openrouter", "anthropic"]
DIALECTS: dict[DialectName, Dialect] = {
    "openai": OPENAI,
    "litellm": LITELLM,
    "one-api": ONE_API,
    "apisix": APISIX,
    "openrouter": OPENROUTER,
    "anthropic": ANTHROPIC,
}
