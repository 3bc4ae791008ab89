from collections.abc import Mapping

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

from relayload.locust_plugin.same_origin import SameOrigin

HOST = "load.example:8089"


@pytest.fixture
def guarded() -> tuple[FlaskClient, SameOrigin, list[str]]:
    """An application with views like Locust's and ours, and what has been changed in it."""
    app, guard, changed = Flask("test"), SameOrigin(), []

    def change(name: str) -> str:
        changed.append(name)
        return "done"

    for blueprint, names in (("locust", ("swarm", "stop", "reset_stats", "other")), ("relayload", ("rate",))):
        made = Blueprint(blueprint, "test", url_prefix=f"/{blueprint}")
        for name in names:
            made.add_url_rule(f"/{name}", name, lambda name=name: change(name), methods=["POST"])
        made.add_url_rule("/page", "page", lambda: guard.token_to_show or "none")
        app.register_blueprint(made)
    guard.guard(app)
    return app.test_client(), guard, changed


OTHERS: list[Mapping[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://load.example:9000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://load.example:9000"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example"},
]
OWN: list[Mapping[str, str]] = [
    {},
    {"Origin": f"http://{HOST}"},
    {"Sec-Fetch-Site": "same-origin", "Origin": f"https://{HOST}"},
]


@pytest.mark.parametrize("headers", OTHERS)
@pytest.mark.parametrize("path", ["locust/swarm", "locust/stop", "locust/reset_stats", "relayload/rate"])
def test_another_site_changes_nothing(guarded, headers, path) -> None:
    client, guard, changed = guarded
    token = guard._token
    answer = client.post(path, data={"token": token}, headers={"Host": HOST, **headers})
    assert (answer.status_code, changed) == (403, [])
    assert answer.text == "nothing was changed: the request comes from another site; reload it and try again\n"


@pytest.mark.parametrize("headers", OWN)
def test_the_page_itself_and_tools_are_let_through(guarded, headers) -> None:
    client, guard, changed = guarded
    for path in ("locust/swarm", "locust/stop", "relayload/rate"):
        assert client.post(path, data={"token": guard._token}, headers={"Host": HOST, **headers}).status_code == 200
    assert changed == ["swarm", "stop", "rate"]


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": "guess"}, {"token": "ä"}])
def test_a_form_of_ours_needs_the_token(guarded, form) -> None:
    client, _, changed = guarded
    assert client.post("relayload/rate", data=form, headers={"Host": HOST}).status_code == 403
    assert changed == []


def test_no_script_of_another_site_reads_the_token(guarded) -> None:
    client, guard, _ = guarded
    for headers in OTHERS[:5]:
        assert client.get("relayload/page", headers={"Host": HOST, **headers}).text == "none"
    for headers in (*OWN, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, {"Sec-Fetch-Site": "none"}):
        answer = client.get("relayload/page", headers={"Host": HOST, **headers})
        assert answer.text == guard._token
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_each_process_has_a_token_of_its_own() -> None:
    assert SameOrigin()._token != SameOrigin()._token
