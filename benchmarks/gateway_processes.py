"""Real gateways as processes in front of an upstream: for the tests with them, and for the figures in docs.

A gateway is a small description: what must be installed, how it is started, which key it takes. None of them is given
a secret: the upstream is a fake relay, whose key everybody knows.

    ferrogw, smg    PyPI packages that hold a compiled gateway, as wanted by `pip install -e '.[gateways]'`
    nginx           Debian's, in four forms: plain, buffering streams, limiting requests, cutting slow streams
    litellm         LiteLLM's proxy, pinned, in a virtual environment of its own
    portkey         Portkey's gateway, from npm

`.ci/gateways` installs the last three below `.gateways/`, where they are looked for.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

from relayload.locust_plugin.master_port import MasterPort

INSTALLED = Path(__file__).parents[1] / ".gateways"
UPSTREAM_KEY = "sk-fake"
_KEY_VARIABLE = "GATEWAY_KEY"
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway is to run: in front of `upstream`, an origin without `/v1`, with a folder for what it writes."""

    executable: Path
    upstream: str
    port: int
    spare_port: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Command:
    """What starts a gateway."""

    words: Sequence[str | Path]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that can be started in front of an OpenAI-compatible upstream.

    `key` is what its clients present; it has the upstream's key from its own configuration, or passes the client's on.
    """

    name: str
    executable: Callable[[], Path | None]
    command: Callable[[Place], Command]
    key: str = UPSTREAM_KEY
    headers: Callable[[str], Mapping[str, str]] = lambda _: {}
    """What its clients have to send besides, by the origin of the upstream."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What a target in a profile says of it besides."""
    streams: bool = True
    """Whether it passes streams on at all."""

    @property
    def installed(self) -> bool:
        return self.executable() is not None

    @property
    def key_variable(self) -> dict[str, str]:
        """Return the variable that `side_by_side` finds its key in."""
        return {_KEY_VARIABLE: self.key}

    @contextmanager
    def running(self, upstream: str, folder: Path) -> Iterator["Running"]:
        """Start the gateway and wait until it answers; end it afterwards. Raises RuntimeError with what it printed."""
        executable = self.executable()
        if executable is None:
            raise RuntimeError(f"{self.name} is not installed")
        folder.mkdir(parents=True, exist_ok=True)
        with MasterPort() as port, MasterPort() as spare, (folder / f"{self.name}.log").open("wb") as log:
            command = self.command(Place(executable, upstream, port.number, spare.number, folder))
            process = subprocess.Popen(
                list(map(str, command.words)),
                cwd=folder,
                env={**_environ(), **command.environ},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
            try:
                running = Running(self, upstream, port.number, process, Path(log.name))
                running.await_answer()
                yield running
            finally:
                process.kill()
                process.wait()


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that answers."""

    gateway: Gateway
    upstream: str
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def target(self, **more: Any) -> dict[str, Any]:
        """Return the target of a profile."""
        headers = dict(self.gateway.headers(self.upstream))
        own = {"base_url": self.base_url, "api_key": self.gateway.key, "headers": headers}
        return {**own, **self.gateway.options, **more}

    def await_answer(self) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until_s:
                raise RuntimeError(f"{self.gateway.name} does not answer:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                pass
            with urlopen(Request(f"{self.base_url}/models"), timeout=PATIENCE_S):
                return True
        except HTTPError:
            return True  # any status at all: a refused key, a model that is not there
        except OSError:
            return False


def side_by_side(running: Running, *, stream: bool) -> dict[str, Any]:
    """Return a profile for `relayload overhead` whose first target is the upstream, and whose second the gateway."""
    name, upstream = running.gateway.name, {"base_url": f"{running.upstream}/v1", "api_key": UPSTREAM_KEY}
    asked = {"model": "o3", "prompt": "simple", "max_output_tokens": 20, "stream": stream, "body": {"seed": 1}}
    return {
        "name": f"{name}-{'stream' if stream else 'plain'}",
        "targets": {"direct": upstream, name: running.target(api_key=f"${{env:{_KEY_VARIABLE}}}")},
        "compare": "randomised",
        "load": {"kind": "batch", "requests": 1},
        "scenarios": {"asked": asked},
    }


def _environ() -> dict[str, str]:
    """Return the variables that a gateway is started with: none that may hold a key."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _beside_python(name: str) -> Path | None:
    path = shutil.which(name, path=str(Path(sys.executable).parent))
    return Path(path) if path else None


def _on_path(name: str) -> Path | None:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    return Path(path) if path else None


def _below(*parts: str) -> Path | None:
    path = INSTALLED.joinpath(*parts)
    return path if path.exists() else None


def _ferrogw(place: Place, requests_per_s: int) -> Command:
    config = place.folder / "ferrogw.yaml"
    config.write_text(yaml.safe_dump({"strategy": {"mode": "fallback"}, "targets": [{"virtual_key": "openai"}]}))
    environ = {
        "GATEWAY_CONFIG": str(config),
        "MASTER_KEY": FERROGW_KEY,
        "OPENAI_API_KEY": UPSTREAM_KEY,
        "OPENAI_BASE_URL": place.upstream,
        "FERRO_MODEL_CATALOG_TIMEOUT": "0",  # the catalog inside it will do
        "PORT": str(place.port),
        "RATE_LIMIT_RPS": str(requests_per_s),
        "RATE_LIMIT_BURST": str(requests_per_s),
    }
    return Command([place.executable, "serve"], environ)


def _smg(place: Place, more: Sequence[str]) -> Command:
    where = ["--host", "127.0.0.1", "--port", str(place.port)]
    metrics = ["--prometheus-host", "127.0.0.1", "--prometheus-port", str(place.spare_port)]
    what = ["--backend", "openai", "--worker-urls", place.upstream, "--disable-retries", "--disable-circuit-breaker"]
    return Command([place.executable, "launch", *where, *metrics, *what, *more])


_NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  limit_req_zone $server_addr zone=all:1m rate=5r/s;
  upstream relay {{ server {upstream}; keepalive 256; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://relay;
      {directives}
    }}
  }}
}}
"""
_UNBUFFERED = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;'
_NGINX_FORMS = {
    "nginx": _UNBUFFERED,
    "nginx-limiting": f"{_UNBUFFERED} limit_req zone=all burst=2 nodelay; limit_req_status 429;",
    "nginx-cutting": f"{_UNBUFFERED} proxy_read_timeout 1s;",
}
"""What a location says beside `proxy_pass`."""
_GZIP = "proxy_http_version 1.1; gzip on; gzip_proxied any; gzip_types *; gzip_min_length 0;"
"""Holds a stream back for a client that takes gzip, whatever its buffering is set to: the compressor fills a buffer."""


def _nginx(place: Place, directives: str) -> Command:
    config = place.folder / "nginx.conf"
    upstream = place.upstream.removeprefix("http://")
    config.write_text(_NGINX.format(upstream=upstream, port=place.port, directives=directives))
    return Command([place.executable, "-p", f"{place.folder}/", "-c", config])


def _litellm(place: Place) -> Command:
    config = place.folder / "litellm.yaml"
    upstream = {"api_base": f"{place.upstream}/v1", "api_key": UPSTREAM_KEY}
    models = [
        {"model_name": model, "litellm_params": {"model": f"openai/{model}", **upstream}} for model in LITELLM_MODELS
    ]
    asked = {
        "model_list": models,
        "litellm_settings": {"num_retries": 0, "telemetry": False},
        "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        "general_settings": {"master_key": LITELLM_KEY},
    }
    config.write_text(yaml.safe_dump(asked))
    where = ["--host", "127.0.0.1", "--port", str(place.port)]
    words: list[str | Path] = [place.executable, "--config", config, *where, "--telemetry", "False"]
    return Command(words, {"LITELLM_LOCAL_MODEL_COST_MAP": "True"})


def _portkey(place: Place) -> Command:
    return Command(["node", place.executable, f"--port={place.port}", "--headless"])


FERROGW_KEY = "fgw_of-a-test"
LITELLM_KEY = "sk-litellm-of-a-test"
LITELLM_MODELS = ("o3", "o4")

FERROGW, FERROGW_LIMITING = (
    Gateway(name, lambda: _beside_python("ferrogw"), partial(_ferrogw, requests_per_s=rate), FERROGW_KEY)
    for name, rate in (("ferrogw", 100_000), ("ferrogw-limiting", 5))
)
SMG, SMG_LIMITING = (
    Gateway(name, lambda: _beside_python("smg"), partial(_smg, more=more))
    for name, more in (("smg", ()), ("smg-limiting", ("--max-concurrent-requests", "1", "--queue-size", "0")))
)
NGINX, NGINX_LIMITING, NGINX_CUTTING = (
    Gateway(name, lambda: _on_path("nginx"), partial(_nginx, directives=directives))
    for name, directives in _NGINX_FORMS.items()
)
NGINX_BUFFERING = Gateway(
    "nginx-buffering",
    lambda: _on_path("nginx"),
    partial(_nginx, directives=_GZIP),
    options={"accept_encoding": "gzip"},
)
LITELLM = Gateway("litellm", lambda: _below("litellm", "bin", "litellm"), _litellm, LITELLM_KEY)
PORTKEY = Gateway(
    "portkey",
    lambda: _below("portkey", "node_modules", "@portkey-ai", "gateway", "build", "start-server.js"),
    _portkey,
    headers=lambda upstream: {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{upstream}/v1"},
    streams=False,  # 1.15.2 answers every stream with 500 on Node 20
)
