"""Which verb was meant by a word that is none."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("start", "test", "bench", "benchmark", "attack", "load", "exec"), "run")
    | dict.fromkeys(("validate", "lint", "plan", "inspect", "dry-run"), "check")
    | dict.fromkeys(("new", "create", "scaffold", "template"), "init")
    | dict.fromkeys(("summary", "show", "stats", "results"), "report")
    | dict.fromkeys(("judge", "verify", "assert"), "gate")
    | dict.fromkeys(("diff", "ab"), "compare")
    | dict.fromkeys(("mock", "fake", "fakerelay", "serve", "server"), "fake-relay")
    | dict.fromkeys(("otava", "csv"), "export otava")
    | dict.fromkeys(("ping", "probe", "diagnose", "preflight"), "doctor")
    | dict.fromkeys(("price", "prices"), "cost")
    | dict.fromkeys(("compress", "gzip", "zip"), "merge --compress")
)
"""What other tools call it."""
_PROFILES = (".yaml", ".yml")


def hint(word: str, verbs: Iterable[str], hidden: Iterable[str] = ()) -> str:
    """`: did you mean 'check'?`, or where nobody can tell what to ask for; hidden verbs may be meant, too."""
    known = list(verbs)
    near = _ELSEWHERE.get(word) or next(iter(get_close_matches(word.lower(), [*known, *hidden], n=1)), "")
    if near.partition(" ")[0] in {*known, *hidden}:
        return f": did you mean 'relayload {near}'?"
    if word.endswith(_PROFILES) or Path(word).is_file():
        return f": did you mean 'relayload run {word}'?"
    if "://" in word:
        return f": did you mean 'relayload run --url {word} --model MODEL --rate 5/s --for 1m'?"
    return f": expected one of {', '.join(known)}"
