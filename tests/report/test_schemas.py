from pathlib import Path

import jsonschema
import msgspec
import pytest

from relayload.report.schemas import SCHEMAS, schema, schema_text

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_in_the_documentation_is_that_of_the_code(name: str):
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == schema_text(SCHEMAS[name]), "run: python -m relayload.report.schemas docs"


@pytest.mark.parametrize("ended_by", ["schedule", None])
def test_real_verdicts_and_summaries_are_valid(ended_by, judged, some_lines):
    summary, verdict = judged(
        ["latency.p50 < 1s", "errors.rate < 0.1%", "latency.p99 < 1s", "tpot.p99 < 1s"],
        some_lines,
        ended_by=ended_by,
    )
    for written in (summary, verdict, *judged(["ttft.p99 < 1s"], [], ended_by=ended_by)):
        described = schema(type(written))
        jsonschema.Draft202012Validator.check_schema(described)
        jsonschema.Draft202012Validator(described).validate(msgspec.json.decode(msgspec.json.encode(written)))


def test_a_verdict_without_a_word_is_refused():
    with pytest.raises(jsonschema.ValidationError, match="'verdict' is a required property"):
        jsonschema.Draft202012Validator(schema(SCHEMAS["verdict.schema.json"])).validate({"run_id": "run-1"})
