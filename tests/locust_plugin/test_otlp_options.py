"""Where metrics go, by option or by OpenTelemetry's variables."""

import pytest

from relayload.locust_plugin import otlp_options as module
from relayload.locust_plugin.otlp_options import NO_EXTRA, OtlpOptions, WrongOtlp, otlp_options, unsent
from relayload.verbs.metrics_options import with_metrics_options

_ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://c:4318", "http://c:4318/v1/metrics"),
        ("http://c:4318/", "http://c:4318/v1/metrics"),
        ("https://c/otlp", "https://c/otlp/v1/metrics"),
        ("https://c/otlp/v1/metrics", "https://c/otlp/v1/metrics"),
    ],
)
def test_a_base_gets_the_path_of_metrics(url, endpoint):
    assert OtlpOptions(url).endpoint({}) == endpoint


def test_nothing_is_sent_where_nobody_asks():
    assert otlp_options(None, None, {}) is None
    assert otlp_options(None, None, _ENDPOINT, heed=False) is None


@pytest.mark.parametrize(
    "more",
    [
        {"OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_METRICS_EXPORTER": "prometheus"},
        {"OTEL_SDK_DISABLED": "True"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
    ],
)
def test_the_environment_may_ask_for_something_else(more):
    assert otlp_options(None, None, _ENDPOINT | more) is None
    assert otlp_options("http://c", None, _ENDPOINT | more) == OtlpOptions("http://c")


def test_an_address_of_the_environment_stands_on_no_command_line():
    found = otlp_options(None, None, {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/own?tenant=a"})
    assert found is not None
    assert found.arguments == ["--relay-otlp=environment", "--relay-otlp-interval=10.0"]
    assert found.endpoint({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c/own?tenant=a"}) == "http://c/own?tenant=a"


@pytest.mark.parametrize(("text", "seconds"), [("2500", 2.5), ("", 10.0)])
def test_the_interval_of_the_environment_is_in_milliseconds(text, seconds):
    found = otlp_options("http://c", None, {"OTEL_METRIC_EXPORT_INTERVAL": text})
    assert found == OtlpOptions("http://c", seconds)
    assert otlp_options("http://c", 3.0, {"OTEL_METRIC_EXPORT_INTERVAL": text}) == OtlpOptions("http://c", 3.0)


@pytest.mark.parametrize(
    ("url", "environ", "told"),
    [
        ("http://c", {"OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "write milliseconds from 100 to 3600000, not 'soon'"),
        ("http://c", {"OTEL_METRIC_EXPORT_INTERVAL": "nan"}, "write milliseconds"),
        ("environment", {}, "no OTEL_EXPORTER_OTLP_ENDPOINT is set"),
        (None, {"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, "expected the URL of a collector, such as http://"),
        ("http://a:b@c", {}, "and keys as OTEL_EXPORTER_OTLP_HEADERS"),
        ("http://c:99999", {}, "its port a number"),
    ],
)
def test_what_is_wrong_is_told(url, environ, told):
    with pytest.raises(WrongOtlp, match=told):
        otlp_options(url, None, environ)


def test_a_missing_extra_is_an_error_for_the_option_and_none_for_the_environment(monkeypatch):
    monkeypatch.setattr(module, "_EXPORTER", "nowhere.at.all")
    with pytest.raises(WrongOtlp, match="pip install 'relayload\\[otel\\]'"):
        otlp_options("http://c", None, {})
    assert "relayload[otel]" in NO_EXTRA
    assert otlp_options(None, None, _ENDPOINT) is None


def test_an_endpoint_of_the_environment_that_gets_nothing_is_told_once(monkeypatch, capsys):
    taking = with_metrics_options(lambda exports: exports.otlp)
    asked = {"metrics_port": None, "metrics_host": None, "metrics_linger": None, "otlp": None, "otlp_interval": None}
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
        environ = {name: "http://user:secret@c:4318"}
        assert unsent(environ) is None
        with monkeypatch.context() as without:
            without.setattr(module, "_installed", lambda: False)
            without.setenv(name, environ[name])
            assert unsent(environ | {"OTEL_METRICS_EXPORTER": "none"}) is None
            assert taking(**asked) is None
        told = f"relayload: {name} is set, and no metrics are sent to it: {NO_EXTRA}\n"
        assert capsys.readouterr() == ("", told)
    assert unsent({}) is None
