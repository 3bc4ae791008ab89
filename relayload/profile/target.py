"""The `target:` and `targets:` of a profile: where load goes, and what keeps it from going anywhere else."""

import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from relayload import prices
from relayload.core.errors import AuthorError
from relayload.core.model.amounts import MOST_KEYS
from relayload.core.price import Price
from relayload.core.resilience.dialects import DialectName
from relayload.core.wire.form import Form, MaxTokensField
from relayload.core.wire.stream import FinishReason
from relayload.document.shape import PathIf
from relayload.document.validation import nearest
from relayload.profile.mixes import Name, at_least_one, weight_of
from relayload.profile.types import Flag, HeaderValue, Items, Number, Part, PathText, Secret, Text, not_empty
from relayload.transport.credentials import AUTHORIZATION, HEADER_NAME, SET_BY_THE_DRIVER
from relayload.transport.drivers import Options
from relayload.transport.inflate import ENCODINGS, IDENTITY
from relayload.transport.origin import is_loopback
from relayload.transport.query import KEY_IN_QUERY, before_query, names_a_key

FAKE_SCHEME = "fake://"

_URL = re.compile(r"https?://[^\s/?#@\\]+(/[^\s?#\\]*)?(\?[^\s#\\]*)?", re.IGNORECASE)
_ENDPOINT = re.compile(r"/(?:chat/completions|completions|responses|embeddings|models)/*$")
_BRACKETED = re.compile(r"\[[^\[\]]+\](:\d*)?")
_CODING = re.compile(r"([a-z0-9*-]+)(?:\s*;\s*q\s*=\s*[01](?:\.\d{0,3})?)?")
NO_ENCODING_HEADER = "none"
_KEY_HEADERS = ("api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key")


def _base_url(url: str) -> str:
    """Return the URL without trailing slashes in its path. Faults do not repeat it, since it may contain a key."""
    if url.startswith(FAKE_SCHEME) and len(url) > len(FAKE_SCHEME) and url.isprintable():
        return url.rstrip("/")
    if "@" in url:
        raise ValueError("must not hold credentials: write them as target.api_key: ${env:NAME}")
    if not url.isascii() or not _URL.fullmatch(url):
        raise ValueError("expected a URL such as 'https://relay.example.com/v1', or 'fake://o-series'")
    try:
        parts = urlsplit(url)
        whole = "[" not in parts.netloc or _BRACKETED.fullmatch(parts.netloc) is not None
        valid = bool((parts.hostname or "").encode("idna")) and parts.port != 0 and whole
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("expected a host, and a port from 1 to 65535 if any, as in 'http://127.0.0.1:8000/v1'")
    if names_a_key(parts.query):
        raise ValueError(KEY_IN_QUERY)
    if endpoint := _ENDPOINT.search(parts.path):
        raise ValueError(f"leave out '{endpoint[0]}' at its end: the path of the endpoint is added to it")
    return before_query(url, "").rstrip("?")


class Tls(Part):
    """How connections to an `https://` target are made. Paths start from the profile."""

    verify: Flag = True
    """False accepts any certificate: the run says so, since anyone may then be answering."""
    ca_file: PathText | None = None
    """PEM: the authorities to trust instead of the system's."""
    client_cert: PathText | None = None
    """PEM: a certificate and its key, for a relay that asks for one."""


def _accept_encoding(text: str) -> str:
    if text == NO_ENCODING_HEADER:
        return text
    for each in text.split(","):
        coding = _CODING.fullmatch(each.strip().lower())
        if coding is None:
            raise ValueError(f"expected encodings such as 'gzip, br', or none, got '{text}'")
        if coding[1] not in (IDENTITY, "*", *ENCODINGS):
            raise ValueError(_not_undone(coding[1]))
    return text


def _not_undone(coding: str) -> str:
    if coding == "zstd":
        return "zstd is not installed here: write pip install 'relayload[zstd]'"
    return f"'{coding}' can't be undone{nearest(coding, [IDENTITY, *sorted(ENCODINGS)])}"


def _key_header_name(name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise ValueError(f"expected the name of a header, got '{name}'")
    if name.lower() in SET_BY_THE_DRIVER:
        raise ValueError(f"'{name}' is set by the driver")
    return name


def _header_name(name: str) -> str:
    if name.lower() == AUTHORIZATION:
        raise ValueError("write the key as target.api_key")
    if name.lower() == "accept-encoding":
        raise ValueError("write the encodings as target.accept_encoding")
    return _key_header_name(name)


Headers = dict[Annotated[str, AfterValidator(_header_name)], HeaderValue]


def _price_list(name: str) -> str:
    if not prices.is_file(name):
        try:
            prices.read(name)
        except AuthorError as error:
            raise ValueError(str(error)) from None
    return name


TargetPrices = Annotated[
    Annotated[Text, AfterValidator(_price_list), Tag("list"), PathIf(prices.is_file)]
    | Annotated[dict[Text, prices.PriceEntry], Tag("mapping")],
    Discriminator(lambda value: "mapping" if isinstance(value, dict) else "list"),
]
"""`holysheep` or another shipped list, `prices.yaml` beside the profile, or `{o3: {input: $2.10, output: $8.40}}`."""


KeyShare = Annotated[
    Annotated[Number, weight_of("key that is not to be used"), Tag("always")]
    | Annotated[dict[Text, Annotated[Number, Field(ge=0)]], Tag("by stage")],
    Discriminator(lambda value: "by stage" if isinstance(value, dict) else "always"),
]
"""A number, or numbers by the names of stages."""


class Key(Part):
    """One of several keys of a relay, such as that of a tenant."""

    name: Name
    """As tables and objectives (`{key=...}`) name it. The key itself is shown nowhere."""
    key: Secret
    """The key, such as `${env:TENANT_A_KEY}`."""
    share: KeyShare = 1.0
    """Its part of the requests, beside the shares of the other keys; or one by stage, such as `{burst: 15}`, with 1 in
    all stages that it does not name."""

    def share_in(self, stage: str) -> float:
        """Return its share in a stage, beside those of the other keys."""
        return self.share.get(stage, 1.0) if isinstance(self.share, dict) else self.share


def _keys(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    if len(keys) > MOST_KEYS:
        raise ValueError(f"expected at most {MOST_KEYS} keys, since each has tables of its own, got {len(keys)}")
    names = [each.name for each in not_empty(keys)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"two keys have the name '{twice}'")
    for stage in (stage for each in keys if isinstance(each.share, dict) for stage in each.share):
        if not any(each.share_in(stage) for each in keys):
            raise ValueError(f"no key has a share in the stage '{stage}'")
    return keys


class Target(Part):
    """A relay: its base URL and key, and what else it wants to be told."""

    base_url: Annotated[str, AfterValidator(_base_url)] = f"{FAKE_SCHEME}o-series"
    """Up to the version, such as `https://relay.example.com/v1`, perhaps with a query (`?api-version=2024-10-21`);
    `fake://o-series` starts a fake relay."""
    api_key: Secret = Secret("sk-fake")
    """Sent as `Authorization: Bearer ...`."""
    keys: Annotated[Items[Key], AfterValidator(_keys)] | None = None
    """Several keys with names, instead of `api_key`: each request goes with one of them, drawn by their shares."""
    api_key_header: Annotated[Text, AfterValidator(_key_header_name)] | None = None
    """The header that the key is sent in instead, alone: `api-key` at Azure."""
    dialect: DialectName = "openai"
    """Whose errors and limits it speaks: what a 429 or a 503 means differs between relays."""
    max_tokens_field: MaxTokensField = "max_completion_tokens"
    """Where chats say their budget: in OpenAI's newer field, in the older `max_tokens`, or in none at all (`none`)."""
    stream_options: Flag = True
    """Whether streams ask for their usage; without, tokens are counted by events where the relay tells none."""
    finish_reason: FinishReason = "required"
    """Whether streams must tell why they ended; optional counts one that ends with `[DONE]` alone as whole."""
    organization: HeaderValue | None = None
    """Sent as `OpenAI-Organization`."""
    project: HeaderValue | None = None
    """Sent as `OpenAI-Project`."""
    headers: Headers = Field(default_factory=dict)
    """Sent with every request."""
    accept_encoding: Annotated[str, AfterValidator(_accept_encoding)] = IDENTITY
    """The content encodings that answers may have, such as `gzip, br`; `none` sends no such header."""
    tls: Tls = Tls()
    """How an `https://` target is spoken to."""
    prices: TargetPrices = Field(default_factory=dict)
    """What its models cost, in US dollars per million tokens."""
    models: dict[Text, Text] = Field(default_factory=dict)
    """What it calls models that scenarios name otherwise: `{o3: openai/o3}`."""

    @model_validator(mode="after")
    def _either_key_or_keys(self) -> Self:
        if self.keys is not None and "api_key" in self.model_fields_set:
            raise ValueError("leave out either api_key or keys; null leaves out that of a base: api_key: null")
        return self

    @property
    def named_keys(self) -> dict[str | None, str]:
        """Its keys by their names; the `api_key` has none."""
        return {each.name: each.key.reveal() for each in self.keys} if self.keys else {None: self.api_key.reveal()}

    @property
    def key_names(self) -> tuple[str, ...]:
        """The names of its keys; empty for an `api_key`."""
        return tuple(each.name for each in self.keys or ())

    def key_shares(self, stage: str = "") -> dict[str, float]:
        """Return each key's part of the requests of a stage, or of one without a share of its own.

        They add up to 1; there are none for an `api_key`.
        """
        shares = {each.name: each.share_in(stage) for each in self.keys or ()}
        total = sum(shares.values())
        return {name: share / total for name, share in shares.items()}

    def key_path(self, name: str | None) -> str:
        """Return where a key of that name stands below the target: `api_key`, or `keys.1.key`."""
        return "api_key" if name is None else f"keys.{self.key_names.index(name)}.key"

    @model_validator(mode="after")
    def _shows_one_key(self) -> Self:
        named = self.api_key_header
        if named and named.lower() in {name.lower() for name in self.headers}:
            raise ValueError(f"'{named}' is the api_key_header: leave it out of headers")
        return self

    @property
    def known_prices(self) -> dict[str, Price]:
        """Prices by model, also under the names in scenarios. Raises AuthorError if a list can't be read."""
        listed = self._listed_prices()
        return listed | {model: listed[name] for model, name in self.models.items() if name in listed}

    def _listed_prices(self) -> dict[str, Price]:
        if isinstance(self.prices, str):
            return dict(prices.read(self.prices).prices)
        return {model: entry.price for model, entry in self.prices.items()}

    @property
    def form(self) -> Form:
        """The form of its requests."""
        return Form(self.max_tokens_field, self.stream_options)

    @property
    def options(self) -> Options:
        """The options of a transport to it."""
        named = {"openai-organization": self.organization, "openai-project": self.project}
        headers = {name: value.reveal() for name, value in {**named, **self.headers}.items() if value}
        return Options(
            verify=self.tls.verify,
            ca_file=self.tls.ca_file,
            client_cert=self.tls.client_cert,
            headers=headers,
            api_key_header=self.api_key_header or self._header_with_key,
            accept_encoding=None if self.accept_encoding == NO_ENCODING_HEADER else self.accept_encoding,
            finish_reason=self.finish_reason,
            hidden=tuple(each.key.reveal() for each in self.keys or ()),
        )

    @property
    def _header_with_key(self) -> str | None:
        """The header that has the key if there is no `api_key`; no other key is sent beside it."""
        if "api_key" in self.model_fields_set or self.keys:
            return None
        return next((name for name in self.headers if name.lower() in _KEY_HEADERS), None)

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.fake_preset is None and urlsplit(self.base_url).scheme == "https"

    @property
    def cautions(self) -> tuple[str, ...]:
        """Warnings for everyone who reads the results."""
        if self.tls.verify or not self.secure:
            return ()
        return (f"TLS certificates of {self.host} were NOT verified: anyone may have answered",)

    def found_from(self, folder: Path) -> Self:
        """Return the target with its files, including a price list, relative to that folder."""
        found = super().found_from(folder)
        own = isinstance(self.prices, str) and prices.is_file(self.prices)
        return found.model_copy(update={"prices": str(folder / str(self.prices))}) if own else found

    @property
    def fake_preset(self) -> str | None:
        """The preset of the fake relay to start; None for an existing relay."""
        return self.base_url.removeprefix(FAKE_SCHEME) if self.base_url.startswith(FAKE_SCHEME) else None

    @property
    def host(self) -> str | None:
        """The host of the base URL in lower case; None for a fake relay."""
        return None if self.fake_preset else urlsplit(self.base_url).hostname

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return self.host is None or is_loopback(self.host)


class NamedTarget(Target):
    """One of several relays."""

    share: Annotated[Number, weight_of("target that is not to be asked")] = 1.0
    """Its part of the traffic, beside the shares of the other targets."""


Targets = Annotated[dict[Name, NamedTarget], at_least_one("relay: {base_url: https://relay.example.com/v1}")]
