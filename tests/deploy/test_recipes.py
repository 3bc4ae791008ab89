"""The recipes of deploy/: valid by their own linters and schemas, and their commands run as they stand there."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import LOCUSTFILE, ROOT, Process, Start, relay_stats, saved

from relayload.fakerelay.process import FakeRelay

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
IMAGE_LOCUSTFILE = "/opt/relayload/locustfile.py"
SECRETS = "/run/secrets/relayload"
KEY = "sk-fake"
JOIN_SECRET = "a secret of the recipes' test"
SHORT = "load.stages=[{name: warm, for: 250ms, rate: 20/s, warmup: true}, {name: steady, for: 10s, rate: 20/s}]"
PATIENT = "generator={late: 10s, late_share: 100%, loop_lag: 10s}"


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def linted(tool: str, *arguments: str | Path) -> None:
    """Run a linter that lies beside this Python; skip the test where there is none."""
    path = shutil.which(tool, path=str(Path(sys.executable).parent))
    if path is None:
        pytest.skip(f"{tool} is not installed here: pip install -e '.[test]'")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_is_linted() -> None:
    linted("hadolint", ROOT / "Dockerfile")


def test_the_compose_file_is_valid_by_the_schema_of_its_specification() -> None:
    linted("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")


@pytest.mark.parametrize("name", ["service", "master", "workers"])
def test_manifests_are_valid_by_the_schemas_of_kubernetes(name: str) -> None:
    linted("kubernetes-validate", "--strict", KUBERNETES / f"{name}.yaml")


def test_the_image_is_built_of_what_is_sent_to_its_builder_and_runs_as_nobody() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in lines if re.match(r"COPY (?!--from)", line) for word in line.split()[1:-1]}
    assert copied == sent
    assert all((ROOT / path).exists() for path in sent)
    assert "USER 10001:10001" in lines
    assert all(re.search(r"python:\d+\.\d+\.\d+-slim", line) for line in lines if line.startswith("FROM"))


def test_the_kustomization_names_what_is_there() -> None:
    kustomization = _yaml(KUBERNETES / "kustomization.yaml")
    assert {"service.yaml", "master.yaml", "workers.yaml"} == set(kustomization["resources"])
    (config,), (secret,) = kustomization["configMapGenerator"], kustomization["secretGenerator"]
    assert [(KUBERNETES / name).exists() for name in config["files"]] == [True]
    assert {Path(name).name for name in secret["files"]} == {"relay-key", "join-secret"}
    assert [(KUBERNETES / name).exists() for name in secret["files"]] == [False, False], "secrets are in no repository"
    generated = {config["name"], secret["name"]}
    volumes = [volume for job in ("master", "workers") for volume in _pod(job)["volumes"]]
    named = {
        volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName") for volume in volumes
    }
    assert named - {None} == generated


@pytest.mark.parametrize("job", ["master", "workers"])
def test_pods_have_no_privilege(job: str) -> None:
    pod = _pod(job)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"requests", "limits"} == set(container["resources"])


def test_the_service_finds_the_master() -> None:
    service, job = _yaml(KUBERNETES / "service.yaml"), _yaml(KUBERNETES / "master.yaml")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"].items() <= job["spec"]["template"]["metadata"]["labels"].items()
    assert service["metadata"]["name"] in " ".join(_pod("workers")["containers"][0]["args"])
    assert _yaml(KUBERNETES / "workers.yaml")["spec"]["completionMode"] == "Indexed"


def _pod(job: str) -> dict[str, Any]:
    return _yaml(KUBERNETES / f"{job}.yaml")["spec"]["template"]["spec"]


@dataclass
class Recipe:
    """The commands of a recipe, as it starts them."""

    master: list[str]
    worker: list[str]
    workers: int
    environ: Mapping[str, str] = field(default_factory=dict)


def compose() -> Recipe:
    services = _yaml(DEPLOY / "compose.yaml")["services"]
    master, worker = services["master"], services["worker"]
    return Recipe(
        [*master["entrypoint"], *master["command"]],
        [*worker["entrypoint"], *worker["command"]],
        worker["deploy"]["replicas"],
        master["environment"],
    )


def kubernetes() -> Recipe:
    (master,), (worker,) = _pod("master")["containers"], _pod("workers")["containers"]
    return Recipe(
        [*master["command"], *master["args"]],
        [*worker["command"], *worker["args"]],
        _yaml(KUBERNETES / "workers.yaml")["spec"]["completions"],
        {variable["name"]: variable["value"] for variable in master["env"]},
    )


class Here:
    """What the recipes find in containers, on this host: files at other paths, and addresses of the loopback."""

    def __init__(self, folder: Path, port: int, relay: FakeRelay) -> None:
        secrets = folder / "secrets"
        secrets.mkdir()
        (secrets / "relay-key").write_text(KEY)
        (secrets / "join-secret").write_text(JOIN_SECRET)
        profile = (KUBERNETES / "profile.yaml").read_text()
        (folder / "profile.yaml").write_text(profile.replace(SECRETS, str(secrets)))
        self._paths = {
            IMAGE_LOCUSTFILE: str(LOCUSTFILE),
            SECRETS: str(secrets),
            "/etc/relayload/profile.yaml": str(folder / "profile.yaml"),
            "/work/": f"{folder}/",
            "--master-host=master": "--master-host=127.0.0.1",
            "--master-host=relayload-master": "--master-host=127.0.0.1",
        }
        self._port = str(port)
        self._environ = {"RELAY_BASE_URL": relay.base_url, "RELAY_HOST": "127.0.0.1"}

    def command(self, written: list[str]) -> list[str]:
        """Return the arguments as they stand in the recipe, with the paths and addresses of this host."""
        found = [self._here(argument) for argument in written]
        port = "--master-port" if "--worker" in found else "--master-bind-port"
        return [*found, f"{port}={self._port}"]

    def environ(self, written: Mapping[str, str]) -> dict[str, str]:
        return {name: self._environ[name] for name in written}

    def _here(self, argument: str) -> str:
        """Replace in one pass: a path of this host may itself contain one of the recipe's."""
        longest_first = sorted(self._paths, key=len, reverse=True)
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: self._paths[found[0]], argument)


@pytest.mark.parametrize(
    ("objective", "code"), [("errors.rate < 50%", 0), pytest.param("ttft.p50 < 1us", 3, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("recipe", [compose, kubernetes])
def test_the_commands_of_a_recipe_make_a_run_and_its_exit_code(
    recipe: Callable[[], Recipe], objective: str, code: int, start: Start, relay: FakeRelay, tmp_path: Path, port: int
) -> None:
    here, recipe_ = Here(tmp_path, port, relay), recipe()
    changes = [f"--relay-set={change}" for change in (SHORT, PATIENT, f"objectives=[{objective}]")]
    master = start(*here.command(recipe_.master), *changes, **here.environ(recipe_.environ))
    workers: list[Process] = [start(*here.command(recipe_.worker)) for _ in range(recipe_.workers)]
    assert master.wait() == code, master.output
    assert [worker.wait() for worker in workers] == [0] * recipe_.workers
    assert saved(tmp_path / "run", "run.json")["workers"] == recipe_.workers
    assert saved(tmp_path / "run", "summary.json")["counts"]["ok"] == relay_stats(relay)["requests"]
    assert "no join secret" not in master.output


def test_the_fake_relay_of_the_compose_file_takes_the_key_of_its_secret(start: Start, tmp_path: Path) -> None:
    services = _yaml(DEPLOY / "compose.yaml")["services"]
    (line,) = services["relay"]["command"]
    (tmp_path / "relay-key").write_text("sk-of-a-file")
    line = line.replace("$$", "$").replace(SECRETS, str(tmp_path)).replace("--port 8600", "--port 0")
    line = line.replace("exec relayload", f"exec {sys.executable} -m relayload").replace("0.0.0.0", "127.0.0.1")
    popen = subprocess.Popen([*services["relay"]["entrypoint"], line], stdout=subprocess.PIPE, text=True)
    try:
        assert popen.stdout is not None
        url = re.search(r"http://\S+/v1", popen.stdout.readline())
        assert url is not None
        profile = tmp_path / "p.yaml"
        shown = {
            "target": {"base_url": url[0], "api_key": "${env:K}"},
            "load": {"kind": "open", "stages": [{"for": "1s", "rate": "1/s"}]},
        }
        profile.write_text(
            yaml.safe_dump({"name": "p", **shown, "scenarios": {"s": {"model": "o3", "prompt": "simple"}}})
        )
        for key, code in (("sk-of-a-file", 0), ("sk-other", 1)):
            asked = start("relayload", "doctor", profile, K=key)
            assert (asked.wait() == 0) is (code == 0), asked.output
    finally:
        popen.kill()
        popen.wait()
        popen.stdout and popen.stdout.close()


DOCS = (ROOT / "docs/many-hosts.md", DEPLOY / "ssh.md")


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_paths_that_the_pages_name_are_there(page: Path) -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]+\w", page.read_text()))
    missing = {name for name in named if not (ROOT / name).exists() and "/secrets/" not in name}
    assert missing == set()
