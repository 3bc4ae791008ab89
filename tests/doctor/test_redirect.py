import pytest

from relayload.doctor.redirect import moved_base_url, redirect_message

BASE_URL = "http://127.0.0.1:8710/v1"
PATH = "/chat/completions"


@pytest.mark.parametrize(
    ("location", "moved"),
    [
        (f"https://127.0.0.1:8443/v1{PATH}", "https://127.0.0.1:8443/v1"),
        (f"/api/v1{PATH}", "http://127.0.0.1:8710/api/v1"),
        (f"//relay.example/v1{PATH}/", "http://relay.example/v1"),
        (f"https://me:secret@relay.example/v1{PATH}?key=abc", "https://relay.example/v1"),
        (f"/v1{PATH}/", None),
        ("https://sso.example/login?from=/v1", None),
        (f"ftp://relay.example{PATH}", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_the_base_url_to_write_is_that_of_the_same_path_elsewhere(location: str, moved: str | None) -> None:
    assert moved_base_url(BASE_URL, PATH, location) == moved


def test_the_query_of_the_base_url_is_kept() -> None:
    moved = moved_base_url("http://a/v1?api-version=1", "/models", "https://b/v1/models?api-version=1")
    assert moved == "https://b/v1?api-version=1"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (f"https://b/v1{PATH}", "write target.base_url: https://b/v1"),
        ("https://sso.example/login?token=abc", "redirects to https://sso.example/login?***, which is no"),
        ("", "a redirect that does not say where it leads"),
    ],
)
def test_a_redirect_is_told_with_the_line_to_write(location: str, told: str) -> None:
    assert told in redirect_message(BASE_URL, PATH, location, "target.base_url")
