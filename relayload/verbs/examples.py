"""The end of each verb's help: example commands and exit codes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class _Ending(NamedTuple):
    examples: tuple[str, ...]
    exit_codes: str = "0 done, 2 bad arguments"


_VERDICT = "0 pass, 3 fail, 4 inconclusive or invalid, 5 stopped by a guardrail, 2 bad arguments"
_ENDINGS: Mapping[str, _Ending] = MappingProxyType(
    {
        "audit": _Ending(
            (
                "relayload audit compare-relay-direct --reference direct",
                "relayload audit mine.yaml --reference vendor --model gpt-4o --record gpt-4o.json",
                "relayload audit mine.yaml --reference gpt-4o.json --against gpt-4o-mini.json --markdown audit.md",
            ),
            "0 nothing found, 3 something differs, 4 it can't be told, 1 crash, 2 bad profile or arguments, 5 stopped "
            "by a guardrail, 6 target unreachable, 130/143 interrupted, with what was asked so far",
        ),
        "calibrate": _Ending(
            ("relayload calibrate", "relayload calibrate --streams 200 --rate 100 --no-search"),
            "0 done, 4 the streams or the rate can't be generated here, 1 crash, 2 bad arguments",
        ),
        "capacity": _Ending(
            (
                "relayload capacity capacity-chat",
                "relayload capacity mine.yaml --start 20/s --max 200/s --out found",
                "relayload capacity mine.yaml --at-least 50/s",
                "relayload capacity capacity-closed --over users --max 200",
            ),
            "0 proven, 3 refuted or none, 4 neither, or no capacity of the relay, 5 a guardrail, 1 crash, 2 bad "
            "profile or arguments, 6 target unreachable, 130/143 interrupted",
        ),
        "check": _Ending(
            (
                "relayload check mine.yaml",
                "relayload check mine.yaml --set load.stages.1.rate=20/s",
                "relayload check --url http://127.0.0.1:8000/v1 --model o3 --rate 5/s --for 1m",
            ),
            "0 valid, 2 not valid",
        ),
        "compare": _Ending(
            (
                "relayload run mine.yaml --repeat 6 --out before",
                "relayload compare before after --tolerance 5%",
                "relayload compare before after --html comparison.html",
            ),
            "0 not worse, 3 worse, 4 can't be told, 2 bad arguments",
        ),
        "cost": _Ending(
            (
                "relayload cost runs/20261128T202447Z-mine --scale 1M-requests/month",
                "relayload cost --input-tokens 10M --output-tokens 2M --month --compare direct:o3 holysheep:o3",
            ),
        ),
        "doctor": _Ending(
            (
                "relayload doctor mine.yaml",
                "relayload doctor --url https://relay.example.com/v1 --model o3 --api-key-env RELAY_KEY "
                "--allow-host relay.example.com",
            ),
            "0 can be load-tested, 6 can't, 2 bad profile or arguments",
        ),
        "export otava": _Ending(
            (
                "relayload export otava runs/* --csv history.csv",
                "relayload export otava runs/* --csv history.csv --print-config > otava.yaml",
            )
        ),
        "fake-relay": _Ending(
            ("relayload fake-relay --port 8600", "relayload fake-relay --preset outage --set models.o3.speed=50/s")
        ),
        "gate": _Ending(("relayload gate runs/20261128T202447Z-mine --junit verdict.xml",), _VERDICT),
        "init": _Ending(("relayload init mine.yaml", "relayload init --from openai mine.yaml")),
        "limits": _Ending(
            (
                "relayload limits rpm-cap",
                "relayload limits mine.yaml --max-requests 500 --max-time 3m --out limits.json",
            ),
            "0 everything was tried, 4 the relay failed, 5 a cap ended it, 2 bad profile or arguments, 6 target "
            "unreachable, 130/143 interrupted",
        ),
        "merge": _Ending(
            ("relayload merge host-1/run host-2/run --out run", "relayload merge run --out packed --compress gzip")
        ),
        "noise": _Ending(
            (
                "relayload noise mine.yaml --out before",
                "relayload noise before",
                "relayload check mine.yaml --noise before --tolerance 5%",
            ),
            "0 told, 4 too few runs can be believed, 2 bad profile or arguments, 5 a guardrail, 6 target unreachable, "
            "130/143 interrupted",
        ),
        "plan": _Ending(
            (
                "relayload plan found/capacity.json --traffic 40/s --growth 15%/month --lose-one",
                "relayload plan found --trace AzureLLMInferenceTrace_conv.csv --headroom 30%",
                "relayload plan found --traffic 40/s --mix o3=70%,o4=30% --compare direct relay",
            ),
            "0 a number is proven, 3 no number helps, 4 none is proven, 2 bad arguments",
        ),
        "report": _Ending(
            (
                "relayload report runs/20261128T202447Z-mine",
                "relayload report runs/… --html page.html",
                "relayload report found --html capacity.html",
                "relayload report runs/nightly-* --html trend.html",
            )
        ),
        "run": _Ending(
            (
                "relayload run mine.yaml",
                "relayload run mine.yaml --set load.stages.1.rate=20/s --out runs/faster",
                "relayload run --url http://127.0.0.1:8000/v1 --model o3 --rate 5/s --for 1m "
                "--objective 'ttft.p95 < 800ms' --objective 'errors.rate < 1%'",
                "relayload run --url http://127.0.0.1:8000/v1 --model o3 --users 8 --for 1m --print-profile",
            ),
            "0 pass, 1 crash, 2 bad profile or arguments, 3 fail, 4 inconclusive or invalid, 5 stopped by a "
            "guardrail, 6 target unreachable, 130/143 interrupted",
        ),
        "overhead": _Ending(
            (
                "relayload overhead --direct http://127.0.0.1:8000/v1 --relay http://127.0.0.1:8080/v1 --model o3",
                "relayload overhead --direct http://127.0.0.1:8000/v1 --relay nginx=http://127.0.0.1:8080/v1 "
                "--relay litellm=http://127.0.0.1:4000/v1 --relay-port litellm=4000 --markdown overhead.md",
                "relayload overhead compare-relay-direct --reference direct --held 20/s",
            ),
            "0 measured, 1 crash, 2 bad profile or arguments, 4 invalid, 5 stopped by a guardrail, 6 target "
            "unreachable, 130/143 interrupted, with what was measured so far",
        ),
        "schema": _Ending(("relayload schema > relayload.schema.json",)),
    }
)
VERBS = tuple(_ENDINGS)
"""The verbs whose help ends with examples."""
_WIDTH = 76


def epilog(verb: str) -> str | None:
    """Return the end of a verb's help, in click's markup; None if it has none."""
    ending = _ENDINGS.get(verb)
    if ending is None:
        return None
    lines = [line for example in ending.examples for line in _folded(example)]
    examples = "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))
    return f"{examples}\n\nExit codes: {ending.exit_codes}."


def examples(verb: str) -> tuple[str, ...]:
    """Return the commands in the help of a verb."""
    return _ENDINGS[verb].examples


def _folded(example: str) -> list[str]:
    """Break a long command over several lines before its options, as a shell accepts it."""
    if len(example) <= _WIDTH:
        return [example]
    break_at = max((at for at in range(_WIDTH - 2) if example.startswith(" --", at)), default=-1)
    if break_at < 0:
        return [example]
    first, *rest = _folded("    " + example[break_at + 1 :])
    return [f"{example[:break_at]} \\", first, *rest]
