from typing import Any

import pytest

from relayload.core.wire.request import Endpoint
from relayload.core.wire.structured_output import MOST_BYTES, all_fit, schema_of

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("endpoint", "body", "schema"),
    [
        ("chat", {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}}, SCHEMA),
        ("chat", {"response_format": {"type": "json_object"}}, {"type": "object"}),
        ("chat", {"response_format": {"type": "text"}}, None),
        ("chat", {"response_format": None}, None),
        ("chat", {}, None),
        ("responses", {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}}, SCHEMA),
        ("responses", {"text": {"verbosity": "low"}}, None),
        ("messages", {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, SCHEMA),
        ("messages", {"output_config": {"effort": "low"}}, None),
        ("embeddings", {"response_format": {"type": "json_object"}}, None),
    ],
)
def test_each_endpoint_names_the_schema_in_its_own_way(endpoint: str, body: dict[str, Any], schema: Any) -> None:
    assert schema_of(Endpoint(endpoint), body) == schema


@pytest.mark.parametrize(
    ("texts", "fit"),
    [
        (['{"a": 1}'], True),
        (['{"a": 1}', ' {"a": 2, "b": 3}\n'], True),
        (['{"a": 1}', "{}"], False),
        (['{"a": "1"}'], False),
        (['```json\n{"a": 1}\n```'], False),
        (['{"a": 1'], False),
        (["\ud800"], False),
        ([""], False),
        ([" " * (MOST_BYTES + 1)], None),
    ],
)
def test_every_text_must_fit(texts: list[str], fit: bool | None) -> None:
    assert all_fit(texts, SCHEMA) is fit


@pytest.mark.parametrize("schema", [{"unevaluatedItems": False}, {"$ref": "#"}, 7, {"pattern": "("}])
def test_a_schema_that_can_not_be_checked_says_nothing(schema: Any) -> None:
    assert all_fit(['"a"'], schema) is None
