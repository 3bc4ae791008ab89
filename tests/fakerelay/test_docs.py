import re
from pathlib import Path
from typing import get_args

import pytest

from relayload.document import parse, validate
from relayload.fakerelay.bodies import ChatBody, CompletionBody, EmbeddingBody, ResponseBody
from relayload.fakerelay.faults import AnyFault
from relayload.fakerelay.preset import Preset

PAGE = (Path(__file__).parents[2] / "docs" / "fake-relay.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_presets_in_the_documentation_are_sound(block):
    assert validate(parse(block, "docs/fake-relay.md"), Preset).models


def test_every_fault_is_documented_with_its_settings():
    when = {"probability", "from", "to", "requests", "every", "models", "above", "kind"}
    rows = dict(re.findall(r"^\| `(\w+)`([^|]*)\|", PAGE, re.MULTILINE))
    for fault in get_args(get_args(AnyFault)[0]):
        kind = fault.model_fields["kind"].annotation.__args__[0]
        for name, field in fault.model_fields.items():
            assert (field.alias or name) in when or (field.alias or name) in rows[kind]


@pytest.mark.parametrize("body", [ChatBody, CompletionBody, EmbeddingBody, ResponseBody])
def test_every_parameter_is_documented_as_done_taken_or_refused(body):
    usual = {"model", "messages", "input", "instructions", "stream", "stream_options", "reasoning", "text", "include"}
    told = set(re.findall(r"`(?:text\.|reasoning\.)?(\w+)`", PAGE))
    assert {name for name in body.__struct_fields__ if name not in told | usual} == set()
