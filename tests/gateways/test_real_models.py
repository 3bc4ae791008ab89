"""Audits of real language models: tiny ones with random weights, served by Transformers behind real gateways."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from gateway_processes import NGINX, Running
from real_models import MODEL, TRANSFORMERS, served

from relayload.cli import main

pytestmark = [
    pytest.mark.real_models,
    pytest.mark.slow,
    pytest.mark.skipif(not TRANSFORMERS.installed, reason="Transformers is not installed: .ci/real_models"),
    pytest.mark.skipif(not NGINX.installed, reason="nginx is not installed: .ci/gateways"),
]
Serve = Callable[[int], Running]
Behind = Callable[[Running], Running]


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def serve(stack: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    return lambda seed: stack.enter_context(served(tmp_path_factory.mktemp("models"), seed))


@pytest.fixture(scope="module")
def behind_nginx(stack: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> Behind:
    def behind(model: Running) -> Running:
        origin = model.base_url.removesuffix("/v1")
        return stack.enter_context(NGINX.running(origin, tmp_path_factory.mktemp("nginx")))

    return behind


@pytest.fixture(scope="module")
def vendor(serve: Serve) -> Running:
    return serve(1)


def audited(vendor: Running, relay: Running, folder: Path) -> dict[str, Any]:
    """Return the finding on the model of a relay, which is called as the vendor's."""
    profile = folder / "audit.yaml"
    asked = {
        "name": "real",
        "targets": {"vendor": vendor.target(), "relay": relay.target()},
        "load": {"kind": "batch", "requests": 1},
        "scenarios": {"asked": {"model": MODEL, "prompt": "simple", "max_output_tokens": 40}},
        "client": {"timeout": {"total": "60s"}},
    }
    profile.write_text(yaml.safe_dump(asked))
    options = ["--prompts", "15", "--samples", "5", "--concurrency", "4", "--out", str(folder / "out"), "--json"]
    result = CliRunner().invoke(main, ["audit", str(profile), *options])
    told = json.loads(result.stdout)
    assert "audit" in told, result.output
    (difference,) = told["audit"]["differences"]
    assert not any(control["differs"] for control in told["audit"]["controls"]), told
    return difference


def test_the_same_model_behind_a_gateway_is_not_accused(
    vendor: Running, serve: Serve, behind_nginx: Behind, tmp_path: Path
) -> None:
    found = audited(vendor, behind_nginx(serve(1)), tmp_path)
    assert (found["differs"], found["prompts"]) == (False, 15), found


def test_another_model_of_the_same_name_is_seen(
    vendor: Running, serve: Serve, behind_nginx: Behind, tmp_path: Path
) -> None:
    found = audited(vendor, behind_nginx(serve(2)), tmp_path)
    assert found["differs"], found
