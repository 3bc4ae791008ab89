import json

import pytest

from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.page import page_text, without_page


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>", "502 Bad Gateway"),
        ("<!DOCTYPE html><html><body><h1>Sorry</h1><p>Try &amp; come\tback</p></body></html>", "Sorry Try & come back"),
        ("<html><style>p {}</style><script>x()</script><!-- y --><body>Just a moment</body>", "Just a moment"),
        ("\n<HTML><title></title>busy</HTML>", "busy"),
        ("<center><h1>504 Gateway Time-out</h1></center>", "504 Gateway Time-out"),
        ("<Error><Code>Throttling</Code><Message>slow down</Message></Error>", "Throttling slow down"),
        ("\ufeff<html><title>Busy</title></html>", "Busy"),
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


NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>nginx</center></body></html>"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"APIError: OpenAIException - {NGINX}", "APIError: OpenAIException - 502 Bad Gateway"),
        (NGINX, "502 Bad Gateway"),
        ("a < b", "a < b"),
        ("<think>", "<think>"),
        ("<header> is missing", "<header> is missing"),
        ("what is <html>", "what is <html>"),
        ("x" * 10_000 + NGINX, "x" * 10_000 + NGINX),
    ],
)
def test_a_page_within_a_text_is_its_title(text, said):
    assert without_page(text) == said


def test_a_fault_that_quotes_a_page_says_what_the_page_says():
    body = json.dumps({"error": {"message": f"upstream: {NGINX}", "code": 502}}).encode()
    assert fault_of_body(body).message == "upstream: 502 Bad Gateway"
