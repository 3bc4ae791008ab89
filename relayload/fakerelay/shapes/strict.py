"""The subset of JSON Schema that OpenAI accepts with `strict`.

Source: OpenAI, "Structured model outputs", supported schemas.
"""

from typing import Any

from relayload.core.wire.schema_keywords import MAX_DEPTH, Unfit

_NOT_PERMITTED = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas")
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


def check_strict(schema: dict[str, Any]) -> None:
    """Raise Unfit with the place and the problem if the schema is not in the subset."""
    if "anyOf" in schema:
        raise Unfit("schema must not have 'anyOf' at its root")
    _check(schema, ())


def _check(schema: Any, place: tuple[str, ...]) -> None:
    if not isinstance(schema, dict) or len(place) > MAX_DEPTH:
        raise Unfit(f"In context={place}, a schema must be an object")
    for keyword in _NOT_PERMITTED:
        if keyword in schema:
            raise Unfit(f"In context={place}, '{keyword}' is not permitted")
    if isinstance(schema.get("format"), str) and schema["format"] not in _FORMATS:
        raise Unfit(f"In context={place}, '{schema['format']}' is not a valid format")
    _check_object(schema, place)
    for keyword in ("$defs", "definitions"):
        _check_each(schema.get(keyword, {}), (*place, keyword))
    _check_each(schema.get("properties", {}), (*place, "properties"))
    for index, branch in enumerate(schema.get("anyOf", ())):
        _check(branch, (*place, "anyOf", str(index)))
    if "items" in schema:
        _check(schema["items"], (*place, "items"))


def _check_each(schemas: Any, place: tuple[str, ...]) -> None:
    if not isinstance(schemas, dict):
        raise Unfit(f"In context={place}, an object is expected")
    for name, schema in schemas.items():
        _check(schema, (*place, name))


def _check_object(schema: dict[str, Any], place: tuple[str, ...]) -> None:
    if "object" not in (schema.get("type"), *(schema["type"] if isinstance(schema.get("type"), list) else ())):
        return
    if schema.get("additionalProperties") is not False:
        raise Unfit(f"In context={place}, 'additionalProperties' is required to be supplied and to be false")
    properties, required = schema.get("properties", {}), schema.get("required", [])
    missing = [name for name in properties if name not in required]
    if missing or any(name not in properties for name in required):
        about = f" Missing '{missing[0]}'." if missing else " Extra required key supplied."
        raise Unfit(
            f"In context={place}, 'required' is required to be supplied and to be an array including every key in "
            f"properties.{about}".removesuffix(".")
        )
