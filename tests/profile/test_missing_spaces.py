import pytest


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "load:\n  kind: open\n  stages:\n    - {for: 10s, rate: 5/s}\n",
            "load:\n  kind:open\n",
            "p.yaml:3:3: load: expected a mapping, got 'kind:open'; a colon needs a space after it: 'kind: …'",
        ),
        (
            "{for: 10s",
            "{for:10s",
            "p.yaml:5:8: load.stages.0.for:10s: unknown key; a colon needs a space after it: 'for: …'",
        ),
        (
            "name: chat\n",
            "name: chat\nobjectives:\n  -ttft.p50 < 1s\n",
            "p.yaml:3:3: objectives: expected a list, got '-ttft.p50 < 1s'; a dash needs a space after it",
        ),
    ],
)
def test_a_space_that_is_missing_is_told_though_the_text_is_yaml(faults, good, old, new, expected):
    assert old in good
    assert expected in faults(good.replace(old, new, 1))
