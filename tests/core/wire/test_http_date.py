import time
from collections.abc import Iterator

import pytest

from relayload.core.wire.http_date import http_date_s


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 -0000",
        "Sun, 06 Nov 1994 03:49:37 -0500",
    ],
)
def test_every_form_is_read_in_utc_wherever_we_are(text: str) -> None:
    assert http_date_s(text) == 784111777.0


@pytest.mark.parametrize(
    "text", ["", "soon", "Sun, 06 Nov", "99", "Sun, 99 Nov 1994 08:49:37 GMT", ", ,", "Nov 6 1 1 1"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert http_date_s(text) is None
