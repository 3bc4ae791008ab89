"""Checks once, before the load, that the target answers, is an OpenAI-compatible API and takes the key.

`GET /models` costs nothing anywhere. Relays without it are asked for an answer without a body, which every
OpenAI-compatible endpoint refuses and nobody bills. Where neither proves enough, as with a gateway whose upstream is
down, a small request of the load itself has to be answered before the load starts.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from time import sleep

import msgspec

from relayload.core.model.record import FailureKind
from relayload.core.resilience.classify import Classifier
from relayload.core.resilience.dialects import classifier as classifier_of
from relayload.core.wire.faults import fault_of_body
from relayload.core.wire.request import Endpoint, WireRequest
from relayload.doctor.error_patterns import is_model, is_upstreams, kind_of, missing_headers
from relayload.doctor.redirect import REDIRECTS, redirect_message
from relayload.doctor.request_preview import preview
from relayload.document.validation import nearest
from relayload.transport.drivers import Options
from relayload.transport.probe_client import (
    API_KEY,
    BASE_URL,
    HEADERS,
    ProbeClient,
    Reply,
    TargetUnreachable,
    is_json,
    read_json,
)

_NOT_HERE = (404, 405)
_LIMITED = 429
_FORBIDDEN = 403
_PATIENCE_S = 10.0
"""The longest wait for all free requests together."""
_ANSWER_PATIENCE_S = 30.0
"""The longest wait for one answer of a model."""
_TRIES = 3
"""The fewest requests that have to fail before the target counts as down, since a single one may fail by chance."""
_PAUSE_S = 0.5
"""The pause between them."""
_MOST_MODELS = 5000
_NAME_LENGTH = 200

SmallRequests = Callable[[], Sequence[WireRequest]]
_COMMON = classifier_of()
_DOWN = frozenset((FailureKind.SERVER_ERROR, FailureKind.OVERLOADED, FailureKind.TIMED_OUT))


def preflight(
    base_url: str,
    api_key: str,
    options: Options | None = None,
    *,
    path: str = "target",
    key_path: str = API_KEY,
    classifier: Classifier = _COMMON,
    small_requests: SmallRequests = tuple,
    models: Iterable[str] = (),
    hidden: Iterable[str] = (),
) -> None:
    """Raise TargetUnreachable unless an OpenAI-compatible API answers there, takes the key and is not down.

    Nor may it refuse one of these `models` that it does not list. `path` is the target's place in the profile,
    `key_path` that of the key below it, `small_requests` composes requests when one has to be sent, and `hidden`
    are the secrets in them.
    """
    probe_client = ProbeClient(api_key, options, hidden=hidden)
    first = FirstLook(base_url, probe_client, api_key, path, classifier, key_path)
    seen = first.look(small_requests)
    first.ensure_up(seen, small_requests)
    first.check_models(seen, frozenset(models), small_requests)


@dataclass(frozen=True, slots=True)
class Seen:
    """The result of the free requests."""

    models: Reply
    """The answer to `GET /models`."""
    reply: Reply
    """The same, or for a relay without a list of models the answer of the first endpoint that exists."""
    request: str
    """The request that `reply` answers."""

    @property
    def enough(self) -> bool:
        """Whether the reply proves that an API answers. Errors do not: gateways without an upstream send them too."""
        status = self.reply.status
        if 200 <= status < 300 or status == _LIMITED:
            return True
        return self.reply is not self.models and 400 <= status < 500


class FirstLook:
    """Sends one target free requests, and billed ones where those do not prove enough."""

    def __init__(
        self,
        base_url: str,
        probe_client: ProbeClient,
        api_key: str,
        path: str,
        classifier: Classifier,
        key_path: str = API_KEY,
    ) -> None:
        self._base_url = base_url
        self._probe_client = probe_client
        self._api_key = api_key
        self._path = path
        self._key_path = key_path
        self._classifier = classifier

    def look(self, small_requests: SmallRequests = tuple) -> Seen:
        """Ask for the list of models, or an answer without a body if there is no list. Raises TargetUnreachable."""
        free = self._probe_client.with_timeout(_PATIENCE_S)
        reply = free.ask(self._base_url, "GET", "/models")
        if reply.status != _FORBIDDEN:  # some keys may use models without listing them
            self._check_key(reply, "GET /models")
        if reply.status in _NOT_HERE:
            return self._endpoint_answer(free, reply, small_requests)
        if 200 <= reply.status < 300 and not is_json(reply.body):
            reason = f"answers GET /models with something that is not JSON{self._probe_client.quoted_error(reply)}"
            raise TargetUnreachable(self._no_api(reason))
        return Seen(reply, reply, "GET /models")

    def ensure_up(self, seen: Seen, small_requests: SmallRequests) -> None:
        """Send small requests until one is answered, if nothing proved the target up yet. Raises TargetUnreachable."""
        if seen.enough:
            return
        requests = small_requests() or _EMPTY
        for number, request in enumerate(islice(cycle(requests), max(_TRIES, len(requests)))):
            if number:
                sleep(_PAUSE_S)
            reply = self._answer(request)
            self._check_key(reply, f"POST {request.path}")
            self._check_redirect(reply, request.path)
            self._check_headers(reply, request)
            if reply.status < 500 or kind_of(reply, self._classifier) not in _DOWN:
                return
        raise TargetUnreachable(self._down(seen, reply, request, number + 1))

    def check_models(self, seen: Seen, models: frozenset[str], small_requests: SmallRequests) -> None:
        """Ask the models that are not listed: a relay may serve more. Raises TargetUnreachable if one is unknown."""
        listed = listed_models(seen.models) or ()
        unlisted = models.difference(listed) if listed else frozenset[str]()
        for request in small_requests() if unlisted else ():
            if request.model in unlisted and is_model(fault_of_body((reply := self._answer(request)).body)):
                reason = (
                    f"has no model '{request.model}': answers {reply.status}{self._probe_client.quoted_error(reply)}"
                )
                others = f"and lists {len(listed)} others{nearest(request.model, listed)}"
                raise TargetUnreachable(f"target {self._base_url} {reason}, {others}. Check scenarios.*.model")

    def _answer(self, request: WireRequest) -> Reply:
        probe_client, body = self._probe_client.with_timeout(_ANSWER_PATIENCE_S), msgspec.json.encode(request.body)
        return probe_client.ask(self._base_url, "POST", request.path, body, request.headers)

    def _endpoint_answer(self, free: ProbeClient, models: Reply, small_requests: SmallRequests) -> Seen:
        """Return the answer of the first endpoint that exists."""
        for endpoint in Endpoint:
            reply = free.ask(self._base_url, "POST", endpoint.path, b"{}")
            self._check_key(reply, f"POST {endpoint.path}")
            if reply.status not in _NOT_HERE:
                return Seen(models, reply, f"POST {endpoint.path}")
        self._check_version(free)
        for request in small_requests()[:1]:  # a mock may know only the requests that it was given
            reply = self._answer(request)
            if reply.status not in _NOT_HERE:
                return Seen(models, reply, f"POST {request.path}")
        paths = ", ".join(endpoint.path for endpoint in Endpoint)
        raise TargetUnreachable(self._no_api(f"answers {models.status} to GET /models and to POST {paths}"))

    def _check_version(self, free: ProbeClient) -> None:
        """Raise TargetUnreachable if the API is at another base URL."""
        for other in _other_urls(self._base_url):
            if free.ask(other, "GET", "/models").status not in _NOT_HERE:
                raise TargetUnreachable(
                    f"{self._base_url} is not the base URL, {other} is: write {self._path}.base_url: {other}"
                )

    def _check_key(self, reply: Reply, request: str) -> None:
        kind = kind_of(reply, self._classifier)
        if kind not in (FailureKind.AUTH, FailureKind.QUOTA_EXHAUSTED):
            return
        error = self._probe_client.quoted_error(reply)
        answers = f"target {self._base_url} answers {reply.status} to {request}{error}"
        if is_upstreams(fault_of_body(reply.body), self._api_key):
            reason = "the relay's own key for what is behind it is refused. Mend it at the relay"
            raise TargetUnreachable(f"{answers}: {reason}", BASE_URL)
        if kind is FailureKind.QUOTA_EXHAUSTED:
            reason = f"the account behind {self._path}.{self._key_path} has no credit left"
            raise TargetUnreachable(f"{answers}: {reason}", self._key_path)
        if KEY_HEADER in (names := missing_headers(fault_of_body(reply.body))):
            raise TargetUnreachable(f"{answers}: write {self._path}.{header_line(names)}", self._key_path)
        raise TargetUnreachable(
            f"target {self._base_url} rejected the key with {reply.status}{error}. "
            f"Check {self._path}.{self._key_path}, and that the key belongs to this base URL: "
            "a valid key sent to another relay gives the same error",
            self._key_path,
        )

    def _check_redirect(self, reply: Reply, path: str) -> None:
        if reply.status in REDIRECTS:
            where = f"{self._path}.base_url"
            message = redirect_message(self._base_url, path, reply.header("location"), where)
            reason = f"answers POST {path} with {reply.status}: {self._probe_client.secrets.quoted(message)}"
            raise TargetUnreachable(f"target {self._base_url} {reason}")

    def _check_headers(self, reply: Reply, request: WireRequest) -> None:
        names = missing_headers(fault_of_body(reply.body)) if 400 <= reply.status < 500 else ()
        if names:
            error = self._probe_client.quoted_error(reply)
            reason = f"answers {reply.status} to POST {request.path}{error}: write {self._path}.{header_line(names)}"
            raise TargetUnreachable(f"target {self._base_url} {reason}", HEADERS)

    def _down(self, seen: Seen, reply: Reply, request: WireRequest, number: int) -> str:
        before, last = (f"{each.status}{self._probe_client.quoted_error(each)}" for each in (seen.reply, reply))
        answers = (
            f"answers {seen.request} with {before}, and each of {number} requests for an answer fails, with {last}"
        )
        sent = self._probe_client.secrets.quoted(preview(request))
        return f"target {self._base_url} {answers}: it is down, or what is behind it. Sent last: {sent}"

    def _no_api(self, reason: str) -> str:
        end = f"this is not the base URL of an OpenAI-compatible API. Check {self._path}.base_url"
        return f"target {self._base_url} {reason}: {end}"


KEY_HEADER = "x-api-key"
"""The header in which Anthropic takes keys."""
_EMPTY = tuple(WireRequest(endpoint, {}) for endpoint in Endpoint)
"""Requests for an unknown load: every endpoint that exists refuses one of them."""


def _other_urls(base_url: str) -> Iterator[str]:
    """Yield the URL ending in a single `/v1` in lower case, if it does not do so already."""
    url, mark, query = base_url.partition("?")
    root = re.sub(r"(?:/v1)+/*$", "", url.rstrip("/"), flags=re.IGNORECASE)
    if (other := f"{root}/v1") != url.rstrip("/"):
        yield f"{other}{mark}{query}"


def header_line(names: Sequence[str]) -> str:
    """Return the line to write for one of these headers."""
    return f"api_key_header: {KEY_HEADER}" if KEY_HEADER in names else f"headers: {{{names[-1]}: ...}}"


def listed_models(reply: Reply) -> tuple[str, ...] | None:
    """Return the models in an answer to `GET /models`; None where it is no such list."""
    try:
        return tuple(str(model["id"])[:_NAME_LENGTH] for model in read_json(reply.body)["data"][:_MOST_MODELS])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
