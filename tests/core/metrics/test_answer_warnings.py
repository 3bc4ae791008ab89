import pytest

from relayload.core.metrics.summarize import summarize
from relayload.core.model.record import Outcome

BROKEN = {"outcome": Outcome.BROKEN_STREAM, "error": "no_finish"}


@pytest.mark.parametrize(
    ("told", "warnings"),
    [
        ({}, ()),
        ({"remarks": ("replaced",), "replaced": 3},
         ("2 answers had halves of characters or bytes that are no UTF-8: they were replaced by U+FFFD",)),
        ({"remarks": ("zero_usage",), "counted": True},
         ("2 answers told no usage, or one of 0: their chunks were counted as tokens",
          "2 answers told a usage of 0 output tokens, though there were some: it was not believed")),
        ({"remarks": ("invalid_call", "unfit"), "tool_calls": 1, "fits_schema": False},
         ("2 ok answers have a tool call whose arguments do not parse",
          "2 ok answers do not fit the JSON schema that they were asked to fit")),
        ({"remarks": ("no_finish_reason",)},
         ("2 streams were ok without a finish reason, as target.finish_reason: optional allows",)),
        ({"remarks": ("no_finish_reason",)} | BROKEN,
         ("2 streams ended with [DONE] but without a finish reason, and count as broken: if this relay never sends "
          "one, write target.finish_reason: optional",)),
    ],
)  # fmt: skip
def test_what_is_odd_is_told_with_how_many_answers_it_is_about(request_line, make_run, folded, told, warnings):
    lines = [request_line(0, **told), request_line(1, **told), request_line(2)]
    assert summarize(folded(lines), make_run()).warnings == warnings
