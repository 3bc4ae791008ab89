import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relayload.core.wire.schema_fit import fits
from relayload.core.wire.schema_keywords import Unfit

NODE = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
    "required": ["next"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (True, None, ...),
        (False, ..., None),
        ({"type": "integer"}, 3.0, 3.5),
        ({"type": "integer"}, 3, True),
        ({"type": ["string", "null"]}, None, 0),
        ({"type": "string", "nullable": True}, None, 1),
        ({"const": 1}, 1, True),
        ({"enum": ["a", {"b": 1}]}, {"b": 1}, "b"),
        ({"minimum": 2, "exclusiveMaximum": 3}, 2, 3),
        ({"maximum": 2, "exclusiveMinimum": 1}, 2, 1),
        ({"multipleOf": 0.5}, 1.5, 1.6),
        ({"minLength": 2, "maxLength": 3}, "ab", "a"),
        ({"pattern": "^a"}, "ab", "ba"),
        ({"items": {"type": "string"}, "minItems": 1}, ["a"], []),
        ({"prefixItems": [{"const": 1}], "items": False}, [1], [1, 2]),
        ({"uniqueItems": True, "maxItems": 2}, [1, 2], [1, 1]),
        ({"contains": {"const": 1}, "maxContains": 1}, [1, 2], [1, 1]),
        ({"required": ["a"], "maxProperties": 1}, {"a": 1}, {"b": 1}),
        ({"properties": {"a": {"type": "string"}}, "minProperties": 1}, {"a": "b"}, {"a": 1}),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 1}, {"b": 1}),
        ({"patternProperties": {"^x": {"const": 1}}, "additionalProperties": False}, {"xa": 1}, {"xa": 2}),
        ({"propertyNames": {"maxLength": 1}}, {"a": 1}, {"ab": 1}),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 2, 3),
        ({"anyOf": [{"minimum": 5}, {"maximum": 2}]}, 2, 3),
        ({"oneOf": [{"minimum": 1}, {"minimum": 3}]}, 2, 3),
        ({"not": {"type": "null"}}, 1, None),
        ({"if": {"minimum": 5}, "then": {"multipleOf": 5}, "else": {"maximum": 2}}, 10, 6),
        ({"if": {"minimum": 5}, "else": {"maximum": 2}}, 6, 3),
        ({"dependentRequired": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
        ({"dependentSchemas": {"a": {"minProperties": 2}}}, {"a": 1, "b": 1}, {"a": 1}),
        (NODE, {"next": {"next": None}}, {"next": {"next": 1}}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1, 2),
    ],
)
def test_a_value_fits_or_does_not(schema, good, bad):
    if good is not ...:
        assert fits(good, schema, schema)
    if bad is not ...:
        assert not fits(bad, schema, schema)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "a", "ab", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
SCHEMAS = st.recursive(
    st.booleans()
    | st.builds(lambda kind: {"type": kind}, KINDS)
    | st.builds(lambda least, most: {"minimum": least, "maxLength": most}, st.integers(-1, 5), st.integers(0, 3))
    | st.builds(lambda each: {"enum": each}, st.lists(VALUES, min_size=1, max_size=3)),
    lambda inner: (
        st.builds(
            lambda keyword, parts: {keyword: parts},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(
            lambda named, required, others: {"properties": named, "required": required, "additionalProperties": others},
            st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            st.lists(st.sampled_from("abc"), unique=True),
            inner,
        )
        | st.builds(
            lambda items, least, unique: {"items": items, "minItems": least, "uniqueItems": unique},
            inner,
            st.integers(0, 3),
            st.booleans(),
        )
    ),
    max_leaves=5,
)


@given(VALUES, SCHEMAS)
def test_it_judges_as_the_reference_does(value, schema):
    assert fits(value, schema, schema) == jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("value", "schema", "reason"),
    [
        (1, {"$ref": "http://example.com"}, "does not begin with '#/'"),
        (1, {"$ref": "#/$defs/none"}, "leads nowhere"),
        (1, {"unevaluatedItems": False}, "'unevaluatedItems' is not supported"),
        (1, {"type": "text"}, "'type' is 'text'"),
        ({"a": 1}, {"properties": 3}, "no JSON Schema"),
        ("a", {"pattern": "("}, "no JSON Schema"),
        (["a"], {"items": 7}, "an object or a boolean"),
    ],
)
def test_what_is_beyond_it_is_said(value, schema, reason):
    with pytest.raises(Unfit, match=reason):
        fits(value, schema, schema)
