import pytest

from relayload.core.errors import AuthorError
from relayload.transport.origin import Origin, is_loopback, origin_of


@pytest.mark.parametrize(
    ("url", "origin", "authority"),
    [
        ("https://relay.example/v1", Origin("https", "relay.example", 443, "/v1"), "relay.example"),
        ("http://relay.example:80", Origin("http", "relay.example", 80, ""), "relay.example"),
        ("http://Relay.Example:8080/a/v1/", Origin("http", "relay.example", 8080, "/a/v1"), "relay.example:8080"),
        ("http://[::1]:8000/v1", Origin("http", "::1", 8000, "/v1"), "[::1]:8000"),
        (
            "https://a.openai.azure.com/openai/deployments/o3/?api-version=2024-10-21&x=%2F",
            Origin("https", "a.openai.azure.com", 443, "/openai/deployments/o3", "api-version=2024-10-21&x=%2F"),
            "a.openai.azure.com",
        ),
        ("http://relay.example/v1?", Origin("http", "relay.example", 80, "/v1"), "relay.example"),
        ("https://[2001:db8::1]", Origin("https", "2001:db8::1", 443, ""), "[2001:db8::1]"),
    ],
)
def test_a_base_url_names_an_origin(url, origin, authority):
    assert origin_of(url) == origin
    assert origin.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relay/v1",
        "ftp://relay",
        "http://",
        "http://a:b",
        "http://a:my-own-key",
        "http://relay..example",
        "http://a/v 1",
        "http://a/v1\n",
        "http://a/v\u2026",
        "http://b\u00fccher/v1",
        "http://a:99999",
        "http://k:s@a",
        "http://[::1",
        "http://a/v1#part",
    ],
)
def test_a_url_that_cannot_be_used_is_not_repeated(url):
    with pytest.raises(AuthorError) as raised:
        origin_of(url, "target.base_url")
    (fault,) = raised.value.faults
    assert fault.path == "target.base_url"
    assert not url or url not in fault.message
    assert "my-own-key" not in fault.message


@pytest.mark.parametrize(
    "query",
    [
        "key=my-own",
        "api-version=1&api-key=my-own",
        "APIKey=my-own",
        "subscription_key=my-own",
        "code=my-own",
        "access_token=my-own",
        "key2=my-own",
        "accessToken=my-own",
        "sv=1&sig=my-own",
        "X-Amz-Signature=my-own",
        "%6Bey=my-own",
        "a=1;token=my-own",
        "user=sk-my-own",
    ],
)
def test_a_key_in_the_query_is_refused_and_told_where_to_write_it(query):
    with pytest.raises(AuthorError, match=r"must not hold a key.*: write it as api_key") as raised:
        origin_of(f"http://relay.example/v1?{query}")
    assert "my-own" not in str(raised.value)


@pytest.mark.parametrize(
    "query", ["api-version=2024-10-21", "max_tokens=5", "keyword=a", "author=b", "pass-through=1", "region=eu&zip"]
)
def test_any_other_query_is_kept(query):
    assert origin_of(f"http://relay.example/v1?{query}").suffix == f"?{query}"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_this_machine_is_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "localhost.example.com", "127.1", "2130706433", "::", ""])
def test_everything_else_is_not_even_if_a_name_server_might_say_so(host):
    assert not is_loopback(host)
