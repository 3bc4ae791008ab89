from decimal import Decimal

import pytest

from relayload import prices
from relayload.core.errors import AuthorError
from relayload.core.price import Price


@pytest.mark.parametrize(
    ("name", "model", "input_usd", "output_usd"),
    [
        ("direct", "o3", "15", "60"),
        ("direct", "o4", "15", "75"),
        ("holysheep", "o3", "2.10", "8.40"),
        ("holysheep", "o4", "2.50", "10.50"),
        ("holysheep", "o3-mini", "0.28", "1.12"),
        ("holysheep", "o4-mini", "0.35", "1.40"),
        ("relay", "gpt-4.1", "8.00", "8.00"),
        ("relay", "claude-sonnet-4.5", "15.00", "15.00"),
        ("relay", "gemini-2.5-flash", "2.50", "2.50"),
        ("relay", "deepseek-v3.2", "0.42", "0.42"),
    ],
)
def test_the_shipped_lists_have_the_published_prices(name, model, input_usd, output_usd):
    assert prices.read(name).prices[model] == Price(input=Decimal(input_usd), output=Decimal(output_usd))


def test_every_shipped_list_is_dated_and_described():
    assert prices.names() == ["direct", "holysheep"]
    for name in prices.names():
        shipped = prices.read(name)
        assert shipped.recorded
        assert shipped.description


def test_an_unknown_list_is_told_with_the_nearest_name():
    with pytest.raises(AuthorError, match="no price list 'holyshep'; did you mean 'holysheep'"):
        prices.read("holyshep")


def test_a_list_of_ones_own_is_read_from_its_file(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("models:\n  m: {input: 0.1, output: $0.30, cached_input: $0.025, reasoning: $0.20}\n")
    assert prices.read(str(path)).prices == {
        "m": Price(
            input=Decimal("0.1"), output=Decimal("0.30"), cached_input=Decimal("0.025"), reasoning=Decimal("0.20")
        )
    }


def test_the_faults_of_a_list_are_told_where_they_stand(tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("models:\n  m: {input: 2€, outputs: $8}\n")
    with pytest.raises(AuthorError) as caught:
        prices.read(str(path))
    assert [str(fault).replace(f"{tmp_path}/", "") for fault in caught.value.faults] == [
        "ours.yaml:2:3: models.m.output: is required",
        "ours.yaml:2:14: models.m.input: expected dollars such as '$5' or '$0.01', got '2€'",
        "ours.yaml:2:18: models.m.outputs: unknown key; did you mean 'output'?",
    ]


def test_nothing_is_repeated_of_a_file_that_is_no_price_list(tmp_path):
    path = tmp_path / "shadow.yaml"
    path.write_text("root:$6$salt$hash:19000:0:99999:7:::\n")
    with pytest.raises(AuthorError) as caught:
        prices.read(str(path))
    assert str(caught.value) == f"{path}: is no price list: it has no 'models'"
