from relayload.fakerelay.request_log import Entry, Outcome, RequestLog


def entry(**fields) -> Entry:
    return Entry(path="/v1/chat/completions", received_ns=1, model="m", **fields)


def test_every_request_ends_in_one_outcome():
    log = RequestLog()
    for outcome in (Outcome.OK, Outcome.OK, Outcome.RATE_LIMITED, Outcome.ABANDONED):
        log.begin(0.0)
        log.end(entry(input_tokens=10, output_tokens=5, faults=["crlf"]), outcome, 2)
    stats = log.stats()
    assert stats["requests"] == 4 == sum(stats["by_outcome"].values())
    assert stats["by_outcome"]["ok"] == 2
    assert stats["tokens"] == {"input": 20, "cached_input": 0, "output": 10, "reasoning": 0}
    assert stats["faults"] == {"crlf": 4}


def test_the_peak_is_the_most_at_once():
    log = RequestLog()
    for _ in range(3):
        log.begin(0.0)
    log.end(entry(), Outcome.OK, 2)
    log.begin(0.0)
    assert (log.stats()["in_flight"], log.stats()["peak_in_flight"]) == (3, 3)


def test_the_busiest_second_and_minute_lie_anywhere():
    log = RequestLog()
    for at_s in (0.0, 0.75, 0.8125, 0.875, 1.0, 50.0, 60.0):
        log.begin(at_s)
    # (0, 1] holds four and (0, 60] six: a window is open at its beginning.
    assert (log.stats()["max_in_1s"], log.stats()["max_in_60s"]) == (4, 6)


def test_the_last_requests_are_kept_in_order():
    log = RequestLog()
    for number in range(5):
        log.begin(0.0)
        log.end(entry(number=number), Outcome.OK, 2)
    assert [kept.number for kept in log.last(3)] == [2, 3, 4]
    assert log.last(0) == []
