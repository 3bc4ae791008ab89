"""What every page has around its content: one file that asks nobody for anything.

Styles, script and drawings are inside, and the content security policy admits no other, by the hashes of what the
package ships. Whatever a relay or a profile said is escaped by the template engine, with control characters and
directional marks made visible first.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, reduce
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from relayload.report.html.svg import shown

_FOLDER = Path(__file__).parent
_LONGEST = 2000
_NOWHERE = "default-src 'none'; img-src data:; base-uri 'none'"


def rendered(template: str, context: Mapping[str, object], *, forms: bool = False) -> str:
    """Return a page: a template that extends `base.html.j2`, with what it shows by name.

    One with `forms` sends them to where it came from.
    """
    action = f"{_NOWHERE}; form-action '{'self' if forms else 'none'}'"
    return _rendered(template, context, _asset("page.css"), _asset("page.js"), action)


def opening() -> str:
    """Return how `rendered` begins every page, up to its title: with the policy, under which no other script runs."""
    return rendered("base.html.j2", {"title": "", "bins": ""}).partition("<title>")[0]


@dataclass(frozen=True, slots=True)
class ServedPage:
    """A page that is served, and so may ask its own server."""

    whole: str
    sections: str
    """The page without its style and scripts, by which one that is open renews itself."""


def rendered_to_serve(template: str, context: Mapping[str, object]) -> ServedPage:
    """Return a page that renews itself."""
    style, script = _asset("page.css"), _asset("page.js") + _asset("live_page.js")
    whole = _rendered(template, context, style, script, f"{_NOWHERE}; connect-src 'self'; form-action 'self'")
    assets = (f"<style>{style}</style>", f"<script>{script}</script>")
    return ServedPage(whole, reduce(lambda page, asset: page.replace(asset, "", 1), assets, whole))


def _rendered(template: str, context: Mapping[str, object], style: str, script: str, more: str) -> str:
    policy = f"{more}; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    shown = {"policy": policy, "style": Markup(style), "script": Markup(script)}
    return _templates().get_template(template).render(**shown, **context)


def fragment(template: str, context: Mapping[str, object]) -> Markup:
    """Return a part of a page."""
    return Markup(_templates().get_template(template).render(**context))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_finalized,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalized(value: object) -> object:
    """Return what an expression of the template puts into the page: markup, or text that is safe to show."""
    return value if hasattr(value, "__html__") else shown(value, _LONGEST)


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the source expression of an inline element with that text."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
