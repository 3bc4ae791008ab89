"""Redirects: where one leads, and the base URL to write instead. No request follows a redirect."""

from urllib.parse import urljoin, urlsplit

from relayload.transport.query import before_query, without_key

REDIRECTS = range(300, 400)


def moved_base_url(base_url: str, path: str, location: str) -> str | None:
    """Return the base URL to which the answer to `path` redirects; None if it leads to something else."""
    try:
        there = urlsplit(without_key(urljoin(before_query(base_url, path), location)))
    except ValueError:
        return None
    leads_to = there.path.rstrip("/")
    if there.scheme not in ("http", "https") or not there.netloc or not leads_to.endswith(path):
        return None
    _, mark, query = base_url.partition("?")
    moved = f"{there.scheme}://{there.netloc}{leads_to.removesuffix(path)}{mark}{query}"
    return None if moved == base_url else moved


def redirect_message(base_url: str, path: str, location: str, where: str) -> str:
    """Return where the answer leads and the line to write; `where` is the key of the target's base URL."""
    if not location:
        return "a redirect that does not say where it leads: the load follows none"
    leads = f"redirects to {without_key(location)}"
    moved = moved_base_url(base_url, path, location)
    if moved is not None:
        return f"{leads}, and the load follows no redirect: write {where}: {moved}"
    return f"{leads}, which is no {path}, and the load follows no redirect: check {where}"
