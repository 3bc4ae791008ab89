from relayload.core.traffic.timeline import Timeline
from relayload.report.chart import chart


def test_a_chart_reaches_from_nothing_to_the_highest_rate():
    assert chart(Timeline(bin_s=0.5, counts=(0, 1, 2, 4, 8, 16))) == [
        "     24/s     ██",
        "              ██",
        "              ██",
        "          ▁▁████",
        "        0 0s 3.00s",
    ]


def test_a_rate_is_that_of_a_second_at_least_and_never_above_the_peak_of_the_table():
    assert chart(Timeline(bin_s=0.25, counts=(8, 0, 0, 0, 1, 1, 1, 1)))[0] == "      8/s ████    "


def test_the_time_below_ends_where_the_chart_does():
    lines = chart(Timeline(bin_s=2.0, counts=(5,) * 60))
    assert lines[-1] == f"        0 0s{' ' * 56}2m"
    assert {len(line) for line in lines} == {70}


def test_where_room_is_short_neighbours_become_one_column_as_high_as_the_higher():
    lines = chart(Timeline(bin_s=2.0, counts=(*(5,) * 59, 10)), 40)
    assert {len(line) for line in lines} == {40}
    assert lines[-1] == f"        0 0s{' ' * 26}2m"
    assert lines[0] == f"      5/s {' ' * 29}█"
