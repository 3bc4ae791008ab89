import json
from decimal import Decimal

import pytest
from click.testing import CliRunner

from relayload.cli import main
from relayload.core.model.run import TargetInfo
from relayload.core.price import Price
from relayload.recording import Recording

TOKENS = "--input-tokens 10M --output-tokens 5M"


@pytest.fixture
def said():
    def ask(line: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["cost", *line.split()])
        assert result.exit_code == code, result.output
        return result.output

    return ask


@pytest.fixture
def run_dir(tmp_path, make_run, request_line):
    """Four requests: three of o3 with 1,000 tokens in and 500 out, and one of o4 as large."""
    run = make_run(
        prices={"o3": Price(input=Decimal(2), output=Decimal(8)), "o4": Price(input=Decimal(4), output=Decimal(16))}
    )
    recording = Recording.create(tmp_path / "run", run)
    writer = recording.writer(0)
    for index in range(4):
        model = "o4" if index == 3 else "o3"
        writer.write(request_line(index, model=model, input_tokens=1000, output_tokens=500))
    writer.close()
    return recording.directory


def test_the_published_example_comes_out_to_the_cent(said):
    assert said(f"{TOKENS} --month --compare direct:o3 relay:o3") == (
        "10,000,000 tokens in, 5,000,000 out a month\n"
        "\n"
        "direct:o3   $450.00\n"
        "relay:o3     $63.00\n"
        "saving      $387.00   86%   $4,644.00 a year\n"
    )


def test_another_currency_is_told_with_its_rate(said):
    text = said(f"{TOKENS} --compare direct:o3 relay:o3 --currency CNY --exchange-rate 7.2")
    assert "1 USD = 7.2 CNY\n" in text
    assert "relay:o3      453.60 CNY\n" in text
    assert "saving      2,786.40 CNY   86%\n" in text


def test_json_has_money_as_text(said):
    told = json.loads(said(f"{TOKENS} --month --compare direct:o3 relay:o3 --json"))
    assert told["saving"] == {"amount": "387.00", "share": "0.8600", "per_year": "4644.00"}
    assert told["asked"]["per"] == "month"


def test_cached_and_reasoning_tokens_have_prices_of_their_own(said, tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("models: {m: {input: $2, output: $8, cached_input: $1, reasoning: $4}}\n")
    line = f"{TOKENS} --cached-input-tokens 10M --reasoning-tokens 5M --price {path}:m"
    assert "$30.00" in said(line)


def test_models_and_folders_may_have_colons_in_their_names(said, tmp_path):
    path = tmp_path / "a:b" / "ours.yaml"
    path.parent.mkdir()
    path.write_text("models: {'deepseek/r1:free': {input: $2, output: $8}}\n")
    assert "$60.00" in said(f"{TOKENS} --price {path}:deepseek/r1:free")
    assert "'o3:mini'" in said(f"{TOKENS} --price direct:o3:mini", code=2)


def test_a_dearer_place_is_told_as_such(said):
    assert "more        $387.00   614%\n" in said(f"{TOKENS} --compare relay:o3 direct:o3")


def test_a_place_that_is_dearer_by_a_year_alone_is_told_as_such(said, tmp_path):
    path = tmp_path / "ours.yaml"
    path.write_text("models: {m: {input: $1000, output: $234.001}, n: {input: $1000, output: $234.004}}\n")
    text = said(f"--input-tokens 1M --output-tokens 1M --month --compare {path}:m {path}:n")
    assert text.splitlines()[-1].split() == ["more", "$0.00", "0%", "$0.04", "a", "year"]


@pytest.mark.parametrize("several", [False, True])
def test_a_recording_is_rounded_after_it_is_scaled(several, said, tmp_path, make_run, request_line):
    prices = {"o3": Price(input=Decimal("0.02"), output=Decimal(0))}
    targets = {"relay": TargetInfo(base_url="http://relay/v1", prices=prices)} if several else {}
    recording = Recording.create(tmp_path / "run", make_run(prices=prices, targets=targets))
    writer = recording.writer(0)
    writer.write(request_line(0, target="relay" if several else None, input_tokens=7, output_tokens=0))
    writer.close()
    path = tmp_path / "ours.yaml"
    path.write_text("models: {o3: {input: $0.02, output: $0}}\n")
    for how in ("", f" --price {path}"):  # $0.00000014 a request
        assert "$1.40\n" in said(f"{recording.directory} --scale 10M-requests{how}")


def test_a_recording_is_priced_as_it_was_run(said, run_dir):
    assert said(str(run_dir)) == "4 requests: 4,000 tokens in, 2,000 out\n\nas recorded   $0.03\n"


def test_a_price_may_be_two_numbers(said, run_dir):
    line = "--input-tokens 10M --output-tokens 5M"
    assert said(f"{line} --price 2/8") == said(f"{line} --price $2/$8.00").replace("$2/$8.00", "2/8")
    assert "$60.00" in said(f"{line} --price 2/8")
    assert "2/8" in said(f"{run_dir} --price 2/8")
    assert "$30.00" in said(f"{line} --compare 2/8 1/4")


def test_a_recording_is_scaled_and_priced_anew(said, run_dir):
    text = said(f"{run_dir} --scale 1M-requests/month --compare direct relay")
    assert text.startswith("1,000,000 requests: 1,000,000,000 tokens in, 500,000,000 out a month\n")
    assert "direct   $46,875.00\n" in text  # 750 M and 375 M tokens of o3, 250 M and 125 M of o4
    assert "relay     $6,662.50\n" in text
    assert "86%   $482,550.00 a year\n" in text


@pytest.fixture
def interleaved(tmp_path, make_run, request_line):
    """Two arrivals, each sent to both targets: 1,000 tokens in, 500 out at one target and 250 at the other."""
    targets = {
        name: TargetInfo(
            base_url=f"http://{name}/v1", prices={"o3": Price(input=Decimal(usd), output=Decimal(4 * usd))}
        )
        for name, usd in {"direct": 10, "relay": 2}.items()
    }
    recording = Recording.create(tmp_path / "both", make_run(targets=targets, paired=True))
    writer = recording.writer(0)
    for index in range(2):
        writer.write(request_line(index, target="direct", input_tokens=1000, output_tokens=500))
        writer.write(request_line(index, target="relay", input_tokens=1000, output_tokens=250))
    writer.close()
    return recording.directory


def test_an_interleaved_recording_has_a_row_for_each_target(said, interleaved):
    assert said(str(interleaved)) == (
        "4 requests: 4,000 tokens in, 1,500 out\n\ndirect   $0.060\nrelay    $0.008\nsaving   $0.052   87%\n"
    )
    assert said(f"{interleaved} --scale 1M-requests/month") == (
        "1,000,000 requests to each of 2 targets: 2,000,000,000 tokens in, 750,000,000\n"
        "out a month\n"
        "\n"
        "direct   $30,000.00\n"
        "relay     $4,000.00\n"
        "saving   $26,000.00   87%   $312,000.00 a year\n"
    )
    told = json.loads(said(f"{interleaved} --scale 1M-requests/month --json"))
    assert told["offers"] == [{"name": "direct", "amount": "30000.00"}, {"name": "relay", "amount": "4000.00"}]
    assert (told["asked"]["requests"], told["asked"]["targets"]) == (1_000_000, 2)


def test_an_interleaved_recording_may_be_priced_at_one_place(said, interleaved):
    assert "2/8   $5,000.00\n" in said(f"{interleaved} --scale 1M-requests --price 2/8")


def test_an_interleaved_recording_without_prices_says_where(said, tmp_path, make_run, request_line):
    targets = {name: TargetInfo(base_url=f"http://{name}/v1") for name in ("direct", "relay")}
    recording = Recording.create(tmp_path / "run", make_run(targets=targets, paired=True))
    writer = recording.writer(0)
    writer.write(request_line(0, target="relay"))
    writer.close()
    assert said(str(recording.directory), 2) == "no request was sent to direct\n"
    writer = recording.writer(1)
    writer.write(request_line(0, target="direct"))
    writer.close()
    assert said(str(recording.directory), 2) == "no price for o3 at direct: name a list by --price\n"


def test_a_recording_may_be_priced_as_if_one_model_had_answered_all(said, run_dir):
    assert "relay:o3-mini   $0.00336\n" in said(f"{run_dir} --price relay:o3-mini")
    assert "relay:o3-mini   $840.00" in said(f"{run_dir} --price relay:o3-mini --scale 1M-requests")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("--output-tokens 1", "--input-tokens: is required, such as 10M; or name a recording"),
        (TOKENS, "say at which price: --price relay:o3, or --compare direct:o3 relay:o3"),
        (f"{TOKENS} --price rely:o3", "there is no price list 'rely'; did you mean 'relay'?"),
        (f"{TOKENS} --price relay", "relay: name a model, such as 'relay:o3'"),
        (f"{TOKENS} --price direct:o9", "direct: has no price for 'o9'; known: o3, o4"),
        ("--input-tokens 1Q --output-tokens 1 --price relay:o3", "--input-tokens: expected a whole number such as"),
        (f"{TOKENS} --price relay:o3 --currency CNY", "--currency and --exchange-rate belong together"),
        (f"{TOKENS} --price relay:o3 --currency yuan --exchange-rate 7", "--currency: expected the code of a currency"),
        (f"{TOKENS} --price relay:o3 --currency CNY --exchange-rate 0", "--exchange-rate: expected what a dollar"),
        (f"{TOKENS} --cached-input-tokens 11M --price relay:o3", "--cached-input-tokens: are a part of --input-tokens"),
        (f"{TOKENS} --reasoning-tokens 6M --price relay:o3", "--reasoning-tokens: are a part of --output-tokens, and"),
        (f"{TOKENS} --month --day --price relay:o3", "say --month or --day, not both\n"),
        (f"{TOKENS} --price relay:o3 --compare direct:o3 relay:o3", "say --price or --compare, not both\n"),
        (f"{TOKENS} --scale 1M-requests/month --price relay:o3", "--scale: is for a recording, and none is named"),
        ("RUN --scale 0-requests/month", "--scale: expected one request at least, got '0-requests/month'\n"),
        ("RUN --cached-input-tokens 1", "tell tokens or a recording, not both"),
        ("RUN --month", "tell tokens or a recording, not both"),
        ("RUN --scale 1M", "--scale: expected so many requests such as '1M-requests/month', got '1M'"),
        ("nowhere", "nowhere: there is no such directory"),
    ],
)
def test_wrong_arguments_are_told_with_what_to_write(said, run_dir, line, fault):
    assert said(line.replace("RUN", str(run_dir)), 2).startswith(fault)


def test_all_that_is_wrong_is_told_at_once(said):
    wrong = "--input-tokens 1 --cached-input-tokens 2 --output-tokens x --reasoning-tokens y --price relay:o3"
    assert [line.split(": ")[0] for line in said(wrong, 2).splitlines()] == [
        "--output-tokens",
        "--reasoning-tokens",
        "--cached-input-tokens",
    ]
    both = said(f"{TOKENS} --month --day --price relay:o3 --compare direct:o3 relay:o3 --scale 1k-requests", 2)
    assert len(both.splitlines()) == 3


def test_amounts_below_a_cent_are_told_and_the_saving_is_their_difference(said):
    assert said("--input-tokens 100 --output-tokens 50 --month --compare direct:o3 relay:o3") == (
        "100 tokens in, 50 out a month\n"
        "\n"
        "direct:o3   $0.00450\n"
        "relay:o3    $0.00063\n"
        "saving      $0.00387   86%   $0.04644 a year\n"
    )


@pytest.mark.parametrize("count", [1, 7, 33, 4_321, 987_654])
def test_the_saving_is_the_difference_of_the_amounts_shown(said, count):
    told = json.loads(said(f"--input-tokens {count} --output-tokens {count} --compare direct:o3 relay:o3-mini --json"))
    first, last = (Decimal(offer["amount"]) for offer in told["offers"])
    assert Decimal(told["saving"]["amount"]) == first - last > 0


def test_a_recording_without_prices_says_what_to_name(said, tmp_path, make_run, request_line):
    recording = Recording.create(tmp_path / "bare", make_run())
    writer = recording.writer(0)
    writer.write(request_line(0))
    writer.close()
    assert said(str(recording.directory), 2) == "no price for o3 as recorded: name a list by --price\n"
    assert "no price for o3 as recorded" not in said(f"{recording.directory} --price relay")


@pytest.fixture
def tenants(tmp_path, make_run, request_line):
    """Three requests of one key and one of another, and none of a third."""
    run = make_run(prices={"o3": Price(input=Decimal(2), output=Decimal(8))}, keys=("a", "b", "idle"))
    recording = Recording.create(tmp_path / "tenants", run)
    writer = recording.writer(0)
    for index in range(4):
        writer.write(request_line(index, key="b" if index == 3 else "a", input_tokens=1000, output_tokens=500))
    writer.close()
    return recording.directory


def test_the_requests_of_one_key_are_priced_alone(said, tenants):
    assert said(f"{tenants} --key a").startswith("3 requests: 3,000 tokens in, 1,500 out\n\nas recorded   $0.018")
    scaled = said(f"{tenants} --key b --scale 1M-requests/month --price 2/8")
    assert "1,000,000 requests: 1,000,000,000 tokens in, 500,000,000 out a month" in scaled
    assert "$6,000.00" in scaled


def test_a_key_that_has_no_requests_is_told(said, tenants, run_dir):
    assert f"{tenants} has the keys a, b, idle, and no key 'c'" in said(f"{tenants} --key c", 2)
    assert f"{tenants} holds no requests with the key idle" in said(f"{tenants} --key idle", 2)
    assert "--key: is for a recording, and none is named" in said(f"{TOKENS} --price 2/8 --key a", 2)
