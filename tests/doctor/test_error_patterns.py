import pytest

from relayload.core.wire.request import RelayFault
from relayload.doctor.error_patterns import field_named, is_model, is_too_long, is_upstreams, missing_headers

KEY = "sk-ours-1234"


@pytest.mark.parametrize(
    ("fault", "upstreams"),
    [
        (RelayFault("litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect API key"), True),
        (RelayFault("AnthropicException - invalid x-api-key"), True),
        (RelayFault("invalid key", type="upstream_error"), True),
        (RelayFault("Provider returned error"), True),
        (RelayFault("Incorrect API key provided: sk-proj-****wxyz."), True),
        (RelayFault("Incorrect API key provided: sk-o***********1234."), False),
        (RelayFault("Authentication Error, Invalid proxy server token passed"), False),
        (RelayFault("Invalid key sk-...1234"), False),
        (RelayFault("Invalid key sk-...wxyz"), True),
        (RelayFault("Incorrect API key provided."), False),
        (RelayFault("wrong key...then try again"), False),
    ],
)
def test_a_key_of_the_relay_s_own_is_told_from_ours(fault: RelayFault, upstreams: bool) -> None:
    assert is_upstreams(fault, KEY) is upstreams


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (
            "Either x-portkey-config or x-portkey-provider header is required",
            ("x-portkey-config", "x-portkey-provider"),
        ),
        ("anthropic-version: header is required", ("anthropic-version",)),
        ("Missing required header: Helicone-Auth", ("helicone-auth",)),
        ("x-ratelimit-reset header says 7", ()),
        ("the header is missing", ()),
        ("field x-y is required", ()),
    ],
)
def test_a_header_that_a_relay_asks_for_is_named(message: str, names: tuple[str, ...]) -> None:
    assert missing_headers(RelayFault(message)) == names


@pytest.mark.parametrize(
    ("fault", "model"),
    [
        (RelayFault("Invalid model name passed in model=o33. Call `/v1/models`"), True),
        (RelayFault("The model `gpt-4.1-x` does not exist or you do not have access to it."), True),
        (RelayFault("model 'llama9' not found, try pulling it first"), True),
        (RelayFault("no", code="model_not_found"), True),
        (RelayFault("当前分组 default 下对于模型 o9 无可用渠道"), True),
        (RelayFault("No available channel for model o9 under group default"), True),
        (RelayFault("No fixture matched"), False),
        (RelayFault("Unsupported parameter: 'max_tokens' is not supported with this model."), False),
        (RelayFault("This model's maximum context length is 8192 tokens."), False),
    ],
)
def test_a_model_that_is_not_there_is_known_by_what_relays_say(fault: RelayFault, model: bool) -> None:
    assert is_model(fault) is model


@pytest.mark.parametrize(
    ("fault", "long"),
    [
        (RelayFault("This model's maximum context length is 8192 tokens."), True),
        (RelayFault("no", code="context_length_exceeded"), True),
        (RelayFault("Request too large for gpt-4o"), True),
        (RelayFault("The model is too busy"), False),
    ],
)
def test_a_prompt_that_is_too_long_is_known(fault: RelayFault, long: bool) -> None:
    assert is_too_long(fault) is long


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"Unrecognized request argument supplied: top_k", "top_k"),
        (b"Unsupported parameter: 'stop'", "stop"),
        (b"temperature must be 1", "temperature"),
        (b"please stop", None),
        (b"\xff", None),
    ],
)
def test_a_field_is_named_in_quotes_or_by_a_word_that_is_nothing_else(body: bytes, name: str | None) -> None:
    assert field_named(("stop", "temperature", "top_k"), body) == name
