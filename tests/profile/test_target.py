from decimal import Decimal

import pytest
from pydantic import ValidationError

from relayload.core.price import Price
from relayload.profile.target import Target


def test_without_a_word_the_target_is_a_fake_relay():
    target = Target()
    assert (target.fake_preset, target.host) == ("o-series", None)
    assert target.api_key.reveal() == "sk-fake"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://relay.example.com/v1", "relay.example.com"),
        ("https://Relay.Example.com/v1/", "relay.example.com"),
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("http://[::1]:8000/api", "::1"),
        ("https://example.com/api/v1beta", "example.com"),
        ("https://example.com/v1?api-version=2024-10-21", "example.com"),
        ("https://example.com?api-version=2024-10-21", "example.com"),
    ],
)
def test_the_host_is_read_from_the_base_url(url, host):
    target = Target(base_url=url)
    assert (target.host, target.fake_preset) == (host, None)
    assert target.base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relay.example.com/v1",
        "ftp://relay.example.com",
        "fake://",
        "http://",
        "http:///v1",
        "http://host:0/v1",
        "http://host:99999",
        "http://relay..example/v1",
        "http://host:port",
        "http://[::1",
        "http://[::1].example.com/v1",
        "http://[::1]8000/v1",
        "http://host/v1#x",
        "http://ho st/v1",
        "http://127.0.0.1\\.example.com/v1",
        "http://127.0.0.1\n.example.com/v1",
        "http://münchen.example/v1",
    ],
)
def test_what_is_no_base_url_is_refused(url):
    with pytest.raises(ValidationError, match=r"expected a (URL|host)"):
        Target(base_url=url)


def test_credentials_in_a_base_url_are_refused_and_not_repeated():
    with pytest.raises(ValidationError) as caught:
        Target(base_url="http://me:sk-hidden@127.0.0.1/v1")
    assert caught.value.errors()[0]["msg"].endswith(
        "must not hold credentials: write them as target.api_key: ${env:NAME}"
    )


def test_a_key_in_the_query_of_a_base_url_is_refused_and_not_repeated():
    with pytest.raises(ValidationError) as caught:
        Target(base_url="https://a.example/v1?api-version=1&api-key=hidden")
    assert "must not hold a key" in caught.value.errors()[0]["msg"]
    assert "hidden" not in caught.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (
            "https://a.example/openai/deployments/o3/?api-version=1",
            "https://a.example/openai/deployments/o3?api-version=1",
        ),
        ("https://a.example/v1?", "https://a.example/v1"),
        ("https://a.example/?a=b/", "https://a.example?a=b/"),
    ],
)
def test_a_query_is_kept_behind_the_path(url, kept):
    assert Target(base_url=url).base_url == kept


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ({"api_key": "k"}, None),
        ({"api_key": "k", "api_key_header": "api-key"}, "api-key"),
        ({"headers": {"Api-Key": "k"}}, "Api-Key"),
        ({"api_key": "k", "headers": {"api-key": "l"}}, None),
        ({"headers": {"x-team": "k"}}, None),
    ],
)
def test_the_key_is_shown_in_one_header(target, header):
    assert Target.model_validate(target).options["api_key_header"] == header


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"api_key_header": "api key"}, "expected the name of a header"),
        ({"api_key_header": "Host"}, "'Host' is set by the driver"),
        ({"api_key_header": "api-key", "headers": {"Api-Key": "k"}}, "'api-key' is the api_key_header"),
    ],
)
def test_a_key_header_that_cannot_be_sent_is_refused(target, said):
    with pytest.raises(ValidationError, match=said):
        Target.model_validate(target)


def test_headers_and_tls_are_what_the_transport_is_told(tmp_path):
    target = Target.model_validate(
        {
            "base_url": "https://relay.example.com/v1",
            "organization": "org-1",
            "headers": {"X-Team": "load tests"},
            "tls": {"verify": False, "ca_file": "ca.pem"},
        }
    ).found_from(tmp_path)
    assert target.options == {
        "verify": False,
        "ca_file": tmp_path / "ca.pem",
        "client_cert": None,
        "headers": {"openai-organization": "org-1", "X-Team": "load tests"},
        "accept_encoding": "identity",
        "finish_reason": "required",
        "api_key_header": None,
        "hidden": (),
    }


@pytest.mark.parametrize(
    ("written", "sent"), [("gzip, br", "gzip, br"), ("gzip;q=0.5, *;q=0", "gzip;q=0.5, *;q=0"), ("none", None)]
)
def test_the_encodings_of_answers_can_be_asked_for(written, sent):
    assert Target(accept_encoding=written).options["accept_encoding"] == sent


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("gzip br", "expected encodings such as 'gzip, br', or none, got 'gzip br'"),
        ("", "expected encodings such as"),
        ("gzip, compress", "'compress' can't be undone"),
    ],
)
def test_encodings_that_nobody_could_undo_are_refused(written, fault):
    with pytest.raises(ValidationError, match=fault):
        Target(accept_encoding=written)


def test_the_header_of_encodings_has_a_key_of_its_own():
    with pytest.raises(ValidationError, match=r"write the encodings as target\.accept_encoding"):
        Target(headers={"Accept-Encoding": "gzip"})


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_certificates_that_are_not_verified_are_told_to_every_reader(scheme):
    target = Target.model_validate({"base_url": f"{scheme}://relay.example.com/v1", "tls": {"verify": False}})
    assert target.cautions == ("TLS certificates of relay.example.com were NOT verified: anyone may have answered",)
    assert Target().cautions == ()


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Authorization": "Bearer x"}, "write the key as target.api_key"),
        ({"Host": "x"}, "'Host' is set by the driver"),
        ({"X Y": "x"}, "expected the name of a header"),
        ({"X-Y": 1}, "expected text in quotes"),
        ({"X-Y": "a\nb"}, "holds a line break"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused(headers, said):
    with pytest.raises(ValidationError, match=said):
        Target.model_validate({"headers": headers})


def test_a_header_never_prints_its_value():
    assert "sesame" not in repr(Target.model_validate({"headers": {"X-Key": "sesame"}}))


@pytest.mark.parametrize("where", ["target", "scenarios.simple"])
def test_what_stands_in_place_of_headers_is_not_repeated(where, good, faults):
    (fault,) = faults(good, f"{where}.headers=sesame")
    assert fault == f"--set: {where}.headers: expected a mapping"


def test_the_name_of_a_preset_may_look_like_a_broken_host():
    target = Target(base_url="fake://[x")
    assert (target.secure, target.host, target.fake_preset) == (False, None, "[x")


def test_prices_come_from_a_shipped_list_or_are_written_out():
    shipped = Target.model_validate({"prices": "holysheep"}).known_prices
    assert shipped["o3"] == Price(input=Decimal("2.10"), output=Decimal("8.40"))
    own = Target.model_validate({"prices": {"m": {"input": "$0.10", "output": 0.4, "cached_input": "$0.05"}}})
    assert own.known_prices == {"m": Price(input=Decimal("0.10"), output=Decimal("0.4"), cached_input=Decimal("0.05"))}
    assert Target().known_prices == {}


def test_a_price_list_of_ones_own_lies_beside_the_profile(tmp_path):
    (tmp_path / "ours.yaml").write_text("models: {m: {input: $1, output: $2}}\n")
    target = Target.model_validate({"prices": "ours.yaml"}).found_from(tmp_path)
    assert target.known_prices == {"m": Price(input=Decimal(1), output=Decimal(2))}


@pytest.mark.parametrize("endpoint", ["/chat/completions", "/responses/", "/embeddings", "/models"])
def test_the_path_of_an_endpoint_is_no_part_of_a_base_url(endpoint):
    with pytest.raises(ValueError, match=f"leave out '{endpoint}' at its end".rstrip("/")):
        Target(base_url=f"https://relay.example.com/v1{endpoint}")
