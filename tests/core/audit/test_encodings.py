import pytest

from relayload.core.audit.encodings import CL100K, O200K, encoding_of


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", O200K),
        ("gpt-4o-mini-2024-07-18", O200K),
        ("openai/gpt-4o", O200K),
        ("openrouter/openai/GPT-4.1-nano", O200K),
        ("chatgpt-4o-latest", O200K),
        ("gpt-5-mini", O200K),
        ("o1", O200K),
        ("o3", O200K),
        ("o4-mini", O200K),
        ("ft:gpt-4o-mini:acme::x1", O200K),
        ("gpt-4", CL100K),
        ("gpt-4-turbo-2024-04-09", CL100K),
        ("gpt-3.5-turbo", CL100K),
        ("gpt-35-turbo", CL100K),
        ("claude-sonnet-4-5", None),
        ("gemini-2.5-pro", None),
        ("llama-3.3-70b", None),
        ("qwen3-32b", None),
        ("deepseek-chat", None),
        ("o30b", None),
        ("olmo", None),
        ("gpt-oss-20b", None),
        ("", None),
    ],
)
def test_only_what_openai_tells_is_known(model, encoding):
    assert encoding_of(model) == encoding
