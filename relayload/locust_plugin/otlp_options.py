"""Where to send metrics by OTLP: by an option, or by the environment variables that OpenTelemetry defines."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from relayload.core.errors import AuthorError
from relayload.transport.origin import origin_of

INTERVAL_S = 10.0
LEAST_INTERVAL_S, MOST_INTERVAL_S = 0.1, 3600.0
FROM_ENVIRONMENT = "environment"
"""In place of a URL: it stands in the environment, where it may hold what no command line should show."""
NO_EXTRA = "OTLP needs opentelemetry's packages: pip install 'relayload[otel]'"
_OWN, _COMMON = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
_PATH = "/v1/metrics"
_EXPORTER = "opentelemetry.exporter.otlp.proto.http.metric_exporter"
_SCHEMES = ("http://", "https://")
_HTTP = ("http", "http/protobuf", "")


class WrongOtlp(Exception):
    """The message says what is wrong and what to write."""


@dataclass(frozen=True, slots=True)
class OtlpOptions:
    """Where to send metrics, and how often."""

    url: str
    """That of the collector, or `environment`."""
    interval_s: float = INTERVAL_S

    @property
    def arguments(self) -> list[str]:
        """The options as they stand on Locust's command line."""
        return [f"--relay-otlp={self.url}", f"--relay-otlp-interval={self.interval_s}"]

    def endpoint(self, environ: Mapping[str, str]) -> str:
        """Return the address that takes metrics."""
        if self.url != FROM_ENVIRONMENT:
            return self.url if self.url.endswith(_PATH) else self.url.rstrip("/") + _PATH
        return _own(environ) or _common(environ).rstrip("/") + _PATH


def otlp_options(
    url: str | None, interval_s: float | None, environ: Mapping[str, str], *, heed: bool = True
) -> OtlpOptions | None:
    """Return the options; None if nothing is to be sent. Raises WrongOtlp.

    `heed` says whether an endpoint in the environment alone is reason enough to send.
    """
    asked = url is not None
    if url is None and heed and _wanted_by(environ) and _installed():
        url = FROM_ENVIRONMENT
    if url is None:
        if interval_s is not None:
            raise WrongOtlp("the interval needs the URL of a collector")
        return None
    if asked and not _installed():
        raise WrongOtlp(NO_EXTRA)
    found = OtlpOptions(url, interval_s or _interval_s(environ))
    _check(found, environ)
    return found


def unsent(environ: Mapping[str, str]) -> str | None:
    """Return why nothing is sent although the environment asks for it; None if it does not, or the extra is there."""
    if not _wanted_by(environ) or _installed():
        return None
    name = next(name for name in (_OWN, _COMMON) if environ.get(name))
    return f"{name} is set, and no metrics are sent to it: {NO_EXTRA}"


def _wanted_by(environ: Mapping[str, str]) -> bool:
    """Return whether the environment has an endpoint for HTTP, and does not switch metrics off."""
    exporters = environ.get("OTEL_METRICS_EXPORTER", "otlp").split(",")
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    protocol = environ.get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    told = bool(_own(environ) or _common(environ))
    return told and not off and protocol in _HTTP and "otlp" in map(str.strip, exporters)


def _own(environ: Mapping[str, str]) -> str:
    return environ.get(_OWN, "")


def _common(environ: Mapping[str, str]) -> str:
    return environ.get(_COMMON, "")


def _installed() -> bool:
    try:
        return find_spec(_EXPORTER) is not None
    except ModuleNotFoundError:
        return False


def _interval_s(environ: Mapping[str, str]) -> float:
    """Return the interval; OpenTelemetry's variable is in milliseconds."""
    text = environ.get("OTEL_METRIC_EXPORT_INTERVAL", "")
    if not text:
        return INTERVAL_S
    try:
        seconds = float(text) / 1000
    except ValueError:
        seconds = -1.0
    if not LEAST_INTERVAL_S <= seconds <= MOST_INTERVAL_S:
        raise WrongOtlp(f"OTEL_METRIC_EXPORT_INTERVAL: write milliseconds from 100 to 3600000, not {text!r}")
    return seconds


def _check(options: OtlpOptions, environ: Mapping[str, str]) -> None:
    """Refuse an address that can't be one, without repeating it."""
    if options.url == FROM_ENVIRONMENT and not (_own(environ) or _common(environ)):
        raise WrongOtlp("no OTEL_EXPORTER_OTLP_ENDPOINT is set: write the URL of a collector")
    endpoint = options.endpoint(environ)
    if not endpoint.startswith(_SCHEMES):
        raise WrongOtlp("expected the URL of a collector, such as http://127.0.0.1:4318")
    try:
        origin_of(endpoint, "")
    except AuthorError as error:
        (fault,) = error.faults
        more = ", and keys as OTEL_EXPORTER_OTLP_HEADERS" if "credentials" in fault.message else ""
        raise WrongOtlp(f"the URL of the collector: {fault.message}{more}") from None
