"""Detects text that was given in place of a key but is none."""

import re

_BEARER = re.compile(r"bearer\s", re.IGNORECASE)
_COMMAND = re.compile(r"\$\((?!\w+\)).*\)|`.*`", re.DOTALL)
"""`$(cat key)`; `$(KEY)` is a variable, as Make and Kubernetes write it."""
_BLANK = re.compile(r"<.*>|\[.*\]|\{.*\}", re.DOTALL)
"""A placeholder as in documentation: `<your key>`."""
_UNFIT_FOR_HEADERS = re.compile(r"[^\x21-\x7e]")


def unfit_key(text: str) -> str | None:
    """Return what is wrong with a text that is no key, without repeating it, or None if it may be one."""
    if not text:
        return "is empty: check the variable it comes from"
    if _BEARER.match(text):
        return "leave out 'Bearer': it is put before every key"
    if _COMMAND.fullmatch(text):
        return "no shell runs the command in it: put the key into an environment variable"
    if _UNFIT_FOR_HEADERS.search(text) and _BLANK.fullmatch(text):
        return "this is a placeholder: put the key itself into an environment variable"
    if _UNFIT_FOR_HEADERS.search(text):
        return "holds a space, a line break or a letter beyond ASCII, which no key does"
    return None
