"""A profile comes out of a parcel as it was put in, with the files of its host and the secrets of another."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest
from certificates import Certificates

from relayload.core.errors import AuthorError
from relayload.profile import Profile, load
from relayload.profile.parcel import Packed, Parcel, kept, packed, unpacked
from relayload.profile.ready_profiles import names

Read = Callable[..., Profile]
ROW = {
    "azure": "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n",
    "mooncake": '{"timestamp": 0, "input_length": 600, "output_length": 10, "hash_ids": [1, 2]}\n',
}


def sent(made: Packed, folder: Path, environ: Mapping[str, str] | None = None) -> Profile:
    """The profile on another host, whose files lie in a folder."""
    parcel = msgspec.msgpack.decode(msgspec.msgpack.encode(made.parcel), type=Parcel)
    for file in parcel.files:
        kept(file, folder).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made.paths[file.sha256], kept(file, folder))
    return unpacked(parcel, folder, environ or {})


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of another host."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("name", names())
def test_every_ready_profile_travels(name: str, elsewhere: Path) -> None:
    variables = {"RELAY_BASE_URL": "http://127.0.0.1:1/v1", "RELAY_API_KEY": "sk-test", "HOLYSHEEP_API_KEY": "sk-test"}
    variables |= dict.fromkeys(("OPENAI_API_KEY", "RELAY_A_API_KEY", "RELAY_B_API_KEY"), "sk-test")
    trace = elsewhere / "trace"
    traced = {"azure-code": "AZURE_CODE_TRACE", "azure-conversation": "AZURE_TRACE", "mooncake": "MOONCAKE_TRACE"}
    if name in traced:
        trace.write_text(ROW[name.partition("-")[0]])
        variables[traced[name]] = str(trace)
    before = load(Path(name), environ=variables)
    after = sent(packed(before), elsewhere, variables)
    assert (after.sha256, after.effective) == (before.sha256, before.effective)
    assert after.model_dump(exclude={"load", "scenarios"}) == before.model_dump(exclude={"load", "scenarios"})


def test_files_travel_by_content_and_secrets_as_references(
    read: Read, good: str, tmp_path: Path, elsewhere: Path
) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "p.txt").write_text("one\ntwo\n")
    (tmp_path / "lengths.txt").write_text("5\n6\n")
    (tmp_path / "prices.yaml").write_text("models: {o3: {input: $1, output: $2}}")
    (tmp_path / "base.yaml").write_text("seed: 4\ntarget: {prices: ./prices.yaml}\n")
    text = good.replace("prompt: simple", "prompt: {file: prompts/p.txt}, max_output_tokens: {file: lengths.txt}")
    target = "extends: base.yaml\ntarget: {base_url: '${env:URL}', api_key: '${env:KEY:-sk-real-0123456789}'}\n"
    here = {"URL": "http://127.0.0.1:9/v1", "KEY": "sk-mine-of-the-master"}
    before = read(target + text, "name=$${x}", environ=here)
    made = packed(before)
    assert [(file.name, file.bytes) for file in made.parcel.files] == [
        ("prices.yaml", 37),
        ("p.txt", 8),
        ("lengths.txt", 4),
    ]
    told = repr(msgspec.msgpack.encode(made.parcel))
    assert "sk-" not in told
    assert "${env:KEY}" in told
    after = sent(made, elsewhere, {"KEY": "sk-mine-of-the-worker"})
    assert after.sha256 == before.sha256
    assert (after.name, after.seed, after.target.base_url) == ("${x}", 4, here["URL"])
    assert after.target.api_key.reveal() == "sk-mine-of-the-worker"
    assert after.target.known_prices == before.target.known_prices
    with pytest.raises(
        AuthorError, match=r"p\.yaml of the master: target\.api_key: the environment variable KEY is not set"
    ):
        sent(made, elsewhere)


@pytest.mark.parametrize(
    ("target", "travels"),
    [
        ("api_key: sk-fake", True),
        ("api_key: '${env:KEY:-none}'", True),
        ("api_key: sk-real-0123456789", False),
        ("api_key: hunter2", False),
        ("api_key: 'sk-real-0123456789${env:KEY}'", False),
        ("headers: {X-Api-Key: hunter2}", False),
        ("headers: {X-Team: load}", True),
        ("headers: {X-Team: 'team ${env:KEY}'}", True),
    ],
)
def test_a_key_in_the_profile_does_not_travel(
    read: Read, good: str, elsewhere: Path, target: str, travels: bool
) -> None:
    before = read(f"target: {{{target}}}\n{good}", environ={"KEY": "k"})
    if travels:
        assert sent(packed(before), elsewhere, {"KEY": "k"}).sha256 == before.sha256
        return
    with pytest.raises(AuthorError) as refused:
        packed(before)
    assert "a key in the profile does not travel: write ${env:NAME}, and set NAME on each host" in str(refused.value)
    assert "p.yaml:1:" in str(refused.value)
    assert "hunter2" not in str(refused.value)
    assert "sk-real" not in str(refused.value)


def test_a_private_key_stays_where_it_is(
    read: Read, good: str, tmp_path: Path, elsewhere: Path, certificates: Certificates
) -> None:
    tls = "target: {base_url: 'https://127.0.0.1:1/v1', tls: {client_cert: both.pem, ca_file: ca.pem}}\n"
    shutil.copy(certificates.client, tmp_path / "both.pem")
    shutil.copy(certificates.authority.with_suffix(".crt"), tmp_path / "ca.pem")
    made = packed(read(tls + good))
    assert [file.name for file in made.parcel.files] == ["ca.pem"]
    with pytest.raises(
        AuthorError, match=r"p\.yaml of the master: target\.tls\.client_cert: cannot be used: .*No such file"
    ):
        sent(made, elsewhere)
    shutil.copy(certificates.client, elsewhere / "both.pem")
    assert sent(made, elsewhere).target.tls.client_cert == Path("both.pem")
    shutil.copy(certificates.authority, tmp_path / "ca.pem")
    with pytest.raises(AuthorError, match=r"ca\.pem' can't be sent to another host: it holds a private key"):
        packed(read(tls + good))


def test_a_secret_in_a_file_is_read_where_it_has_come_to(
    read: Read, good: str, tmp_path: Path, elsewhere: Path
) -> None:
    (tmp_path / "key.txt").write_text("sk-of-the-master")
    made = packed(read("target: {api_key: '${file:key.txt}'}\n" + good))
    assert "sk-of-the-master" not in repr(msgspec.msgpack.encode(made.parcel))
    with pytest.raises(AuthorError, match=r"'key\.txt' can't be read: No such file or directory"):
        sent(made, elsewhere)
    (elsewhere / "key.txt").write_text("sk-of-the-worker")
    assert sent(made, elsewhere).target.api_key.reveal() == "sk-of-the-worker"


def test_a_file_that_is_gone_is_told_with_its_place(read: Read, good: str, tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("one\n")
    before = read(good.replace("prompt: simple", "prompt: {file: p.txt}"))
    (tmp_path / "p.txt").unlink()
    with pytest.raises(AuthorError, match=r"p\.yaml:7:\d+: scenarios\.simple\.prompt\.file: '.*p\.txt' can't be sent"):
        packed(before)


def test_the_canonical_content_is_what_the_hash_is_of(read: Read, good: str) -> None:
    profile = read(good)
    assert json.loads(profile.canonical) == profile.effective
