from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from relayload.core.errors import AuthorError
from relayload.document import parse
from relayload.profile.from_options import ProfileOptions, elsewhere, text_of
from relayload.profile.loading import load, load_document

OPTIONS = ProfileOptions(url="http://127.0.0.1:8000/v1", model="openai/o3", rate="5/s", for_="1m")


def faults(asked: ProfileOptions, **environ: str) -> list[str]:
    with pytest.raises(AuthorError) as caught:
        load_document(asked.document(), Path("p.yaml"), environ)
    return [str(fault) for fault in caught.value.faults]


def test_url_model_rate_and_time_are_a_whole_profile():
    assert OPTIONS.document().data == {
        "name": "openai-o3",
        "target": {"base_url": "http://127.0.0.1:8000/v1", "api_key": "${env:OPENAI_API_KEY:-sk-fake}"},
        "load": {"kind": "open", "stages": [{"for": "1m", "rate": "5/s"}]},
        "scenarios": {"main": {"model": "openai/o3", "prompt": "simple"}},
    }


def test_every_option_has_its_place():
    asked = replace(
        OPTIONS,
        objectives=("ttft.p95 < 800ms", "errors.rate < 1%"),
        prompt="Say hi.",
        max_tokens=20,
        stream=False,
        endpoint="responses",
        api_key_env="RELAY_KEY",
        headers=("X-Team: load: a",),
        allow_hosts=("relay.example.com",),
        max_requests=2000,
        max_usd="$5",
        prices="2/$8.40",
    )
    data = asked.document().data
    assert data["objectives"] == ["ttft.p95 < 800ms", "errors.rate < 1%"]
    assert data["scenarios"]["main"] == {
        "model": "openai/o3",
        "endpoint": "responses",
        "prompt": {"text": "Say hi."},
        "max_output_tokens": 20,
        "stream": False,
    }
    assert data["target"]["api_key"] == "${env:RELAY_KEY}"
    assert data["target"]["headers"] == {"X-Team": "load: a"}
    assert data["target"]["prices"] == {"any": {"input": "$2", "output": "$8.40"}}
    assert data["guardrails"] == {
        "allow_hosts": ["relay.example.com"],
        "max_duration": "1m",
        "max_requests": 2000,
        "max_usd": "$5",
    }


def test_users_are_a_closed_load():
    assert replace(OPTIONS, rate=None, users=8).document().data["load"] == {
        "kind": "closed",
        "users": 8,
        "stages": [{"for": "1m"}],
    }


def test_tokens_alone_need_no_prompt():
    assert replace(OPTIONS, input_tokens=500).document().data["scenarios"]["main"] == {
        "model": "openai/o3",
        "input_tokens": 500,
    }


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("code", "code"),
        ("prompts.jsonl", {"file": "prompts.jsonl"}),
        ("@prompts", {"file": "prompts"}),
        ("Read prompts.txt", {"text": "Read prompts.txt"}),
        ("x" * 5000, {"text": "x" * 5000}),
    ],
)
def test_a_prompt_is_a_built_in_set_a_file_or_a_text(text: str, prompt: object):
    assert replace(OPTIONS, prompt=text).document().data["scenarios"]["main"]["prompt"] == prompt


def test_a_file_that_is_there_is_one_whatever_it_is_called(tmp_path: Path):
    (tmp_path / "prompts").write_text("Hi\n")
    path = str(tmp_path / "prompts")
    assert replace(OPTIONS, prompt=path).document().data["scenarios"]["main"]["prompt"] == {"file": path}


def test_a_fault_names_the_option():
    asked = replace(OPTIONS, rate="5", objectives=("ttft.p95 < 1s", "p95(ttft) < 1s"))
    assert faults(asked) == [
        "--objective: objectives.1 (2nd objective): expected metric.aggregate < value, got 'p95(ttft) < 1s': "
        "did you mean 'ttft.p95 < 1s'?",
        "--rate: load.stages.0.rate: expected a rate such as '5/s' or '300/min', got '5'",
    ]


@pytest.mark.parametrize(
    ("rate", "for_", "begins"),
    [
        ("5/s", "10", ["--for: load.stages.0.for: "]),
        ("0/s", "1m", ["--rate: load.stages: nothing would be sent"]),
        ("5", "10", ["--for: load.stages.0.for: ", "--rate: load.stages.0.rate: "]),
    ],
)
def test_the_time_and_the_rate_are_blamed_each_for_its_own(rate: str, for_: str, begins: list[str]):
    told = faults(replace(OPTIONS, rate=rate, for_=for_))
    assert [fault[: len(begin)] for fault, begin in zip(told, begins, strict=True)] == begins


def test_a_key_is_no_argument_and_is_not_repeated():
    for asked in (
        replace(OPTIONS, api_key_env="sk-very-secret"),
        replace(OPTIONS, headers=("X-Api-Key: sk-very-secret",)),
    ):
        (fault,) = faults(asked)
        assert "everybody on this machine c" in fault
        assert "sk-very-secret" not in fault


def test_what_is_printed_is_the_same_profile(tmp_path: Path):
    asked = replace(OPTIONS, model="1e3", prompt="no", objectives=("ttft.p95 < 800ms",))
    document = asked.document()
    text = text_of(document, "relayload run --url ...")
    assert text.startswith("# What this command stands for:\n#   relayload run --url ...\n")
    assert parse(text, "p.yaml").data == document.data
    assert parse(text, "p.yaml").faults == ()
    (tmp_path / "p.yaml").write_text(text)
    written, made = load(tmp_path / "p.yaml", environ={}), load_document(document, tmp_path / "p.yaml", {})
    assert written.effective == made.effective
    assert yaml.safe_load(text)["scenarios"]["main"]["model"] == "1e3"


def test_files_are_found_from_wherever_the_profile_lies(tmp_path: Path):
    asked = replace(OPTIONS, prompt="prompts.txt", prices="prices.yaml")
    data = elsewhere(asked.document(), tmp_path).data
    assert data["scenarios"]["main"]["prompt"] == {"file": str(tmp_path / "prompts.txt")}
    assert data["target"]["prices"] == str(tmp_path / "prices.yaml")
    assert elsewhere(replace(OPTIONS, prices="holysheep").document(), tmp_path).data["target"]["prices"] == "holysheep"
