"""Extracts the text of an HTML page sent in place of an answer, such as a gateway's error, as one line."""

import html
import re

_READ_CHARACTERS = 8_000
"""The most that is read: pages describe the error at the beginning."""
_PAGE = re.compile(
    r"[\s\ufeff]*<(?:!doctype|(?:html|head|body|title|center|div|pre|h[1-6]|error)\b|\?xml|!--)", re.IGNORECASE
)
_PAGE_WITHIN = re.compile(r"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)[^<>]*>[^<]*(?:</\1\s*>|\Z)|<!--[^<>]*-->", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def page_text(text: str) -> str | None:
    """Return the title of a page, or else its text; None if it is no page."""
    if not _PAGE.match(text):
        return None
    begun = text[:_READ_CHARACTERS]
    title = _TITLE.search(begun)
    return (_one_line(title[1]) if title else "") or _one_line(_TAG.sub(" ", _UNSEEN.sub(" ", begun)))


def without_page(text: str) -> str:
    """Replace a page within the text by one line: gateways quote the page of another."""
    begun = text[:_READ_CHARACTERS]
    found = _PAGE_WITHIN.search(begun) if "<" in begun else None
    if found is None:
        return text
    page = page_text(text[found.start() :])
    return f"{text[: found.start()]}{page}" if page else text


def _one_line(text: str) -> str:
    return " ".join(html.unescape(text).split())
