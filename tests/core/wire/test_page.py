import pytest

from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.page import page_text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>", "502 Bad Gateway"),
        ("<!DOCTYPE html><html><body><h1>Sorry</h1><p>Try &amp; come\tback</p></body></html>", "Sorry Try & come back"),
        ("<html><style>p {}</style><script>x()</script><!-- y --><body>Just a moment</body>", "Just a moment"),
        ("\n<HTML><title></title>busy</HTML>", "busy"),
        ("<center><h1>504 Gateway Time-out</h1></center>", "504 Gateway Time-out"),
        ("<Error><Code>Throttling</Code><Message>slow down</Message></Error>", "Throttling slow down"),
        ("<model> is unknown", None),
        ("<html>", ""),
        ("502 Bad Gateway", None),
        ("<p>no page</p>", None),
        ("", None),
    ],
)
def test_a_page_is_one_line_of_its_text(page, text):
    assert page_text(page) == text


def test_a_page_that_is_all_brackets_is_read_in_no_time():
    assert page_text("<html>" + "<" * 1_000_000 + "<script" * 100_000) is not None


def test_a_fault_that_is_a_page_says_what_the_page_says():
    assert fault_of_body(b"<html><title>502 Bad Gateway</title></html>").message == "502 Bad Gateway"
    assert fault_of_body(b"<html></html>").message == "<html></html>"
