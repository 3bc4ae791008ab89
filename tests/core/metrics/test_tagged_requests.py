from relayload.core.metrics.tagged_requests import TaggedRequests
from relayload.core.stats.ranks import together


def _tagged(fold) -> list[TaggedRequests]:
    return list(fold.by_tags.values())


def test_the_requests_above_a_threshold_are_found_in_the_tail_and_below_it(request_line, folded):
    (tagged,) = _tagged(folded(request_line(index, service_s=float(index * 7 % 20)) for index in range(20)))
    for threshold in (-1.0, 3.0, 14.0, 15.0, 18.5, 19.0):
        wanted = [float(index) for index in range(20) if index * 7 % 20 > threshold]
        due = together([tagged.columns.due_above("service", threshold)])
        assert [due.at(rank) for rank in range(1, due.count + 1)] == wanted


def test_visible_content_later_than_the_first_token_is_sorted_on_its_own(request_line, folded):
    (tagged,) = _tagged(folded(request_line(index, ttft_s=0.1, ttfo_s=0.3 - index / 100) for index in range(5)))
    assert list(tagged.columns.ordered("ttfo")) == sorted(0.3 - index / 100 for index in range(5))
    assert list(tagged.columns.ordered("ttft")) == [0.1] * 5
