import pytest

from relayload.core.objectives.formatting import quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0812, "s", "81.2ms"),
        (0.0, "s", "0s"),
        (0.00456, "share", "0.456%"),
        (1.0, "share", "100%"),
        (0.9996, "share", "99.96%"),
        (4.2, "/s", "4.2/s"),
        (12345.0, "/s", "12,345/s"),
        (1234.0, "", "1,234"),
    ],
)
def test_a_number_is_told_with_its_unit(value: float, unit: str, text: str):
    assert quantity(value, unit) == text
