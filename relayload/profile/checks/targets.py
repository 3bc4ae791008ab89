"""Checks on targets: what load they may be sent, and the models and prices that they name."""

from collections.abc import Iterator

from relayload.core.errors import AuthorError, Fault
from relayload.core.objectives.validation import unknown
from relayload.core.price import price_of
from relayload.document import Location
from relayload.document.validation import nearest
from relayload.profile.checks.content import Content, mapping
from relayload.profile.guardrails import Guardrails
from relayload.profile.target import Target
from relayload.transport.origin import origin_of
from relayload.transport.tls import target_context


def targets_faults(content: Content) -> Iterator[Fault]:
    if content.targets and content.data.get("target") is not None:
        yield content.fault(("targets",), "leave out either this or target", at_key=True)
    yield from _compare_faults(content)
    yield from _key_faults(content)
    for place, target in content.sound_targets:
        yield from _target_faults(content, place, target)
        yield from _share_faults(content, place, target)


def _compare_faults(content: Content) -> Iterator[Fault]:
    if content.data.get("compare") is None:
        return
    if len(content.targets) < 2:
        yield content.fault(("compare",), "needs two targets or more: write them under targets", at_key=True)
    elif content.load and content.load.get("kind", "open") == "closed":
        yield content.fault(
            ("compare",), "needs load.kind: open or batch, where arrivals are those of all", at_key=True
        )
    for name, target in content.targets.items():
        if target.get("share", 1) != 1:
            message = "every target is sent everything: leave this out, or leave out compare"
            yield content.fault(("targets", name, "share"), message, at_key=True)


def _key_faults(content: Content) -> Iterator[Fault]:
    """Yield faults for what is to be one for each key, where keys have no names."""
    client = mapping(content.data.get("client"))
    if content.key_names or len(content.sound_targets) != max(1, len(content.targets)):
        return
    for part, key in (("breaker", "scope"), ("quota", "per")):
        if mapping(client.get(part)).get(key) == "key":
            yield content.fault(("client", part, key), "needs keys with names: write them as target.keys")


def _share_faults(content: Content, place: Location, target: Target) -> Iterator[Fault]:
    """Yield faults for stages that a key has a share in and that the load has not."""
    known = content.stage_names
    for number, key in enumerate(target.keys or () if known else ()):
        for stage in key.share if isinstance(key.share, dict) else ():
            if stage not in known:
                location = (*place, "keys", number, "share", stage)
                yield content.fault(location, unknown("stage", stage, known), at_key=True)


def _target_faults(content: Content, place: Location, target: Target) -> Iterator[Fault]:
    if target.fake_preset:
        for message in _preset_faults(target.fake_preset):
            yield content.fault((*place, "base_url"), message)
    elif content.guardrails:
        yield from _guardrail_faults(content, place, target, content.guardrails)
    if not target.secure:
        return
    try:
        target_context(origin_of(target.base_url), ca_file=target.tls.ca_file, client_cert=target.tls.client_cert)
    except AuthorError as error:
        for fault in error.faults:
            yield content.fault((*place, "tls", fault.path), fault.message)


def _guardrail_faults(content: Content, place: Location, target: Target, guardrails: Guardrails) -> Iterator[Fault]:
    lacking = [f"{name}: {example}" for name, example in guardrails.lacking(target).items()]
    if not guardrails.allow(target):
        remedy = f"guardrails: {{{', '.join([f'allow_hosts: [{target.host}]', *lacking])}}}"
        message = f"'{target.host}' is not this machine; to send load there, write {remedy}"
        yield content.fault((*place, "base_url"), message)
    elif lacking:
        message = f"load for '{target.host}' needs bounds: write {', '.join(lacking)}"
        yield content.fault(("guardrails",), message)


def model_faults(content: Content) -> Iterator[Fault]:
    """Yield faults in models and prices. The trace has to be checked before, as its rows may name models."""
    for place, target in content.sound_targets:
        if content.unreported((*place, "prices")):
            yield from _price_faults(content, place, target)
        for model in target.models:
            if model not in content.models:
                message = f"no scenario asks for '{model}'{nearest(model, content.models)}"
                yield content.fault((*place, "models", model), message, at_key=True)


def _price_faults(content: Content, place: Location, target: Target) -> Iterator[Fault]:
    """Yield faults in a price list, and for models without a price if the run has a limit in dollars."""
    location = (*place, "prices")
    guardrails = content.guardrails
    try:
        prices = target.known_prices
    except AuthorError as error:
        for fault in error.faults:
            yield content.fault(location, str(fault))
        return
    capped = guardrails is not None and guardrails.max_usd is not None and target.fake_preset is None
    for model in content.models if capped else ():
        if price_of(model, prices) is None:
            path = ".".join(map(str, location))
            remedy = f"{path}: {{{model}: {{input: $2, output: $8}}}}, per million tokens"
            yield content.fault(location, f"none for '{model}', so max_usd could not be kept: write {remedy}")


def _preset_faults(name: str) -> list[str]:
    from relayload.fakerelay.preset import read  # slow to import, and needed for fake relays alone

    try:
        read(name)
    except AuthorError as error:
        return [str(fault) for fault in error.faults]
    except OSError as error:
        return [f"{name}: cannot be read: {error.strerror}"]
    return []
