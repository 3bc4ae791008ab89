"""A page where an answer was expected, such as a gateway's own error: what it says, on one line."""

import html
import re

_READ_CHARACTERS = 8_000
"""The most that is looked at: what a page says of an error it says at its beginning."""
_PAGE = re.compile(
    r"[\s\ufeff]*<(?:!doctype|(?:html|head|body|title|center|div|pre|h[1-6]|error)\b|\?xml|!--)", re.IGNORECASE
)
_PAGE_WITHIN = re.compile(r"<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_UNSEEN = re.compile(r"<(script|style)[^<>]*>[^<]*(?:</\1\s*>|\Z)|<!--[^<>]*-->", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


def page_text(text: str) -> str | None:
    """The title of a page, or else its text; None for what is no page."""
    if not _PAGE.match(text):
        return None
    begun = text[:_READ_CHARACTERS]
    title = _TITLE.search(begun)
    return (_one_line(title[1]) if title else "") or _one_line(_TAG.sub(" ", _UNSEEN.sub(" ", begun)))


def without_page(text: str) -> str:
    """The text with a page in it as one line: gateways put the page of another into their own words."""
    begun = text[:_READ_CHARACTERS]
    found = _PAGE_WITHIN.search(begun) if "<" in begun else None
    if found is None:
        return text
    page = page_text(text[found.start() :])
    return f"{text[: found.start()]}{page}" if page else text


def _one_line(text: str) -> str:
    return " ".join(html.unescape(text).split())
