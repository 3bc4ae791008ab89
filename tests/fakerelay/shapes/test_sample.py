import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.schema_keywords import Unfit
from relayload.fakerelay.shapes.pieces import pieces
from relayload.fakerelay.shapes.sample import sample
from relayload.fakerelay.tokens import made_up

TREE = {
    "type": "object",
    "properties": {"value": {"type": "number"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["value", "children"],
    "additionalProperties": False,
}
SCHEMAS = [
    {},
    TREE,
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
    {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 1, "required": ["c"]},
    {"type": "object", "properties": {"a": {}, "b": False}},
    {"type": ["null", "string"], "minLength": 3, "maxLength": 5},
    {"type": "string", "minLength": 200},
    {"type": "string", "maxLength": 0},
    {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    {"type": "string", "pattern": "^[A-Z][a-z]+$"},
    {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 20},
    {"type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 4},
    {"type": "integer", "maximum": -5},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": "number", "multipleOf": 0.1},
    {"minimum": 5},
    {"const": {"a": [1, None]}},
    {"enum": ["a", 2], "type": "integer"},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 3},
    {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "minItems": 9},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}], "items": False},
    {"type": "array", "contains": {"const": 5}, "minContains": 3},
    {"type": "array", "maxItems": 0},
    {"items": {"type": "boolean"}, "minItems": 2},
    {"oneOf": [{"type": "null"}, {"type": "integer"}, {"type": "number"}], "minimum": 0.5, "maximum": 0.6},
    {"anyOf": [{"type": "null"}, {"type": "string", "minLength": 4}]},
    {"anyOf": [False, {"type": "boolean"}]},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {
        "allOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}],
        "$defs": {"a": {"type": "object", "properties": {"c": {"enum": [1, 2]}}, "required": ["c"]}},
    },
    {"allOf": [{"minimum": 1}, {"minimum": 3, "maximum": 9}, {"allOf": [{"maximum": 3}, True]}]},
    *({"type": "string", "format": name} for name in ("date-time", "date", "time", "duration", "email", "hostname")),
    *({"type": "string", "format": name} for name in ("ipv4", "ipv6", "uuid", "uri", "json-pointer", "regex", "mine")),
]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("count", [1, 7, 100])
def test_a_made_up_value_fits_its_schema_at_any_length(schema, count):
    value = json.loads("".join(pieces(sample(schema), count, made_up(5))))
    # Its check of 'time' is that of an old draft, without the zone that RFC 3339 asks for.
    formats = jsonschema.FormatChecker({"date", "email", "ipv4", "ipv6", "uuid", "regex"})
    jsonschema.Draft202012Validator(schema, format_checker=formats).validate(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [{}, {"type": "string", "maxLength": 3}]},
        {"type": "array", "contains": {"minLength": 9}},
        {"type": "object", "properties": {"a": {}}, "patternProperties": {"a": {"maxLength": 15}}},
        {"allOf": [{"properties": {"a": {"maxLength": 15}}}, {"properties": {"a": {"type": "string"}}}]},
        {"type": "string", "not": {"minLength": 15}},
    ],
)
@pytest.mark.parametrize("count", [1, 100])
def test_a_string_whose_length_matters_somewhere_else_is_not_open(schema, count):
    value = json.loads("".join(pieces(sample(schema), count, made_up(0))))
    jsonschema.Draft202012Validator(schema).validate(value)


def test_of_schemas_that_go_round_in_many_ways_only_what_must_be_is_made():
    links = {f"link{number}": {"$ref": f"#/$defs/node{number}"} for number in range(8)}
    nodes = {f"node{number}": {"type": "object", "properties": links} for number in range(8)}
    schema = {"type": "object", "properties": links, "required": ["link3"], "$defs": nodes}
    assert sample(schema) == {"link3": {}}


def test_null_is_made_up_only_where_nothing_else_will_do():
    schema = {"type": "object", "properties": {"a": {"type": ["null", "integer"]}, "b": {"type": "null"}}}
    assert sample(schema) == {"a": 1, "b": None}


NAMES = st.sampled_from(["a", "b", "c"])
RANDOM_SCHEMAS = st.recursive(
    st.sampled_from([{}, True, False, {"type": "null"}, {"type": "boolean"}, {"type": "string", "minLength": 3}])
    | st.builds(
        lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size}, st.integers(), st.integers(-1, 9)
    )
    | st.builds(
        lambda least, most: {"type": "string", "minLength": least, "maxLength": most},
        st.integers(0, 5),
        st.integers(0, 9),
    ),
    lambda inner: (
        st.builds(
            lambda named, required: {"type": "object", "properties": named, "required": required},
            st.dictionaries(NAMES, inner, max_size=3),
            st.lists(NAMES, unique=True),
        )
        | st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3))
        | st.builds(
            lambda keyword, parts: {keyword: parts},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        )
    ),
    max_leaves=8,
)


@given(RANDOM_SCHEMAS, st.integers(1, 60))
def test_a_schema_gets_a_value_that_fits_or_is_refused(schema, count):
    try:
        value = sample(schema)
    except Unfit:
        return
    jsonschema.Draft202012Validator(schema).validate(json.loads("".join(pieces(value, count, made_up(1)))))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYWORDS = """type properties required items enum const anyOf oneOf allOf not $ref $defs minimum maximum multipleOf
minLength maxLength pattern format minItems maxItems uniqueItems prefixItems additionalProperties minProperties
maxProperties contains nullable"""


@given(st.dictionaries(st.sampled_from(KEYWORDS.split()), ANYTHING, max_size=4) | ANYTHING)
def test_no_schema_at_all_breaks_it(schema):
    try:
        sample(schema)
    except Unfit:
        return


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (False, "nothing fits 'false'"),
        ([], "a schema is an object or a boolean, not list"),
        ({"$ref": "#"}, "'#' has no end"),
        ({"allOf": [{"$ref": "#"}]}, "'#' has no end"),
        ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "has no end"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "found no integer within its bounds"),
        ({"type": "number", "multipleOf": 0}, "'multipleOf' is not above zero"),
        ({"type": "string", "pattern": "^(x|y)z$"}, "found no string of its length and pattern"),
        ({"type": "string", "format": "uuid", "maxLength": 3}, "of format 'uuid' does not fit"),
        ({"type": "string", "minLength": 10**9}, "'minLength' is above 20000"),
        ({"type": "array", "minItems": 10**9}, "'minItems' is above 1000"),
        ({"enum": ["a"], "type": "integer"}, "none of its 'enum' fits"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "'oneOf'"),
        ({"not": {"type": "string"}}, "found no value that fits"),
        ({"if": {"type": "string"}}, "makes up no values for 'if'"),
        ({"required": [[1]]}, "no JSON Schema"),
    ],
)
def test_what_no_value_is_made_up_for_is_said(schema, reason):
    with pytest.raises(Unfit, match=re.escape(reason)):
        sample(schema)
