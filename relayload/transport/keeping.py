"""Keeps of an ok answer what is needed to audit it, in the same way for every driver."""

from relayload.core.wire.answers import MalformedAnswer
from relayload.core.wire.formats import FORMATS
from relayload.core.wire.kept import MOST_BODY_BYTES, MOST_BYTES, Kept, KeptText, SelfReport
from relayload.core.wire.request import WireRequest
from relayload.core.wire.stream import TokenStream
from relayload.core.wire.tool_calls import ToolCalls
from relayload.transport.redaction import Secrets


def kept_of_stream(stream: TokenStream, secrets: Secrets) -> Kept | None:
    """Return what was kept of a stream; None if nothing was to be."""
    if stream.kept is None:
        return None
    calls = stream.calls.arguments if stream.calls else ()
    return _kept(stream.kept, calls, secrets)


def kept_of_body(body: bytes) -> Kept:
    """Return what is kept of an answer that is not streamed: all of it, since to read it takes time in the load."""
    return Kept(body=body) if len(body) <= MOST_BODY_BYTES else Kept(cut=True)


def read_kept(kept: Kept, request: WireRequest, secrets: Secrets) -> Kept:
    """Return what was kept, read if it was not yet."""
    if not kept.body:
        return kept
    body, texts, form = kept.body, KeptText(), FORMATS[request.endpoint]
    texts.report.hear(body)
    calls = ToolCalls()
    try:
        whole = form.read_answer(body, request)
        texts.add_text(whole.text.encode())
        texts.add_thought(form.read_thoughts(body).encode("utf-8", "replace"))
        calls.add(whole.calls)
    except MalformedAnswer:  # read before, so that it can't be
        texts.cut = True
    return _kept(texts, calls.arguments, secrets)


def _kept(texts: KeptText, calls: tuple[str, ...], secrets: Secrets) -> Kept:
    report: SelfReport = texts.report
    cut = texts.cut or sum(map(len, calls)) > MOST_BYTES
    return Kept(
        text="" if cut else texts.text,
        thoughts="" if cut else texts.thoughts,
        calls=() if cut else calls,
        cut=cut,
        model=secrets.quoted_name(report.model),
        fingerprint=secrets.quoted_name(report.fingerprint),
        total_tokens=report.total_tokens,
        has_logprobs=report.has_logprobs,
    )
