import re

import pytest

from relayload.core.wire.schema_keywords import Unfit
from relayload.fakerelay.shapes.strict import check_strict


def strict(**properties):
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [
        strict(),
        strict(a={"type": "string", "format": "uuid"}, b={"anyOf": [strict(), {"type": "null"}]}),
        {**strict(a={"$ref": "#/$defs/a"}), "$defs": {"a": strict(b={"type": "array", "items": {"type": "integer"}})}},
    ],
)
def test_what_openai_takes_is_taken(schema):
    check_strict(schema)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object", "properties": {}}, "In context=(), 'additionalProperties' is required"),
        (strict(a=strict(b={"type": "object"})), "In context=('properties', 'a', 'properties', 'b'), 'additional"),
        ({**strict(a={}), "required": []}, "including every key in properties. Missing 'a'"),
        ({**strict(a={}), "required": ["a", "b"]}, "Extra required key supplied"),
        (strict(a={"oneOf": [{}]}), "'oneOf' is not permitted"),
        (strict(a={"type": "string", "format": "uri"}), "'uri' is not a valid format"),
        (strict(a={"type": ["object", "null"]}), "'additionalProperties' is required"),
        (strict(a={"items": {"allOf": []}}), "In context=('properties', 'a', 'items'), 'allOf' is not permitted"),
        (strict(a=True), "In context=('properties', 'a'), a schema must be an object"),
        ({**strict(), "$defs": {"a": {"type": "object"}}}, "In context=('$defs', 'a')"),
        ({**strict(), "anyOf": [strict()]}, "must not have 'anyOf' at its root"),
    ],
)
def test_what_openai_refuses_is_refused_with_its_place(schema, reason):
    with pytest.raises(Unfit, match=re.escape(reason)):
        check_strict(schema)
