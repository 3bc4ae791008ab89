import pytest
from pydantic import TypeAdapter
from support import present

from relayload.fakerelay.behavior import Reply
from relayload.fakerelay.chat import ChatEvents
from relayload.fakerelay.faults import AnyFault
from relayload.fakerelay.parsed_request import ParsedRequest
from relayload.fakerelay.schema import RequestKind
from relayload.fakerelay.script import Ending, Script, plain_script, stream_script

FAULT = TypeAdapter(AnyFault)
PARSED = ParsedRequest("m", RequestKind.SIMPLE, 10, stream=True, include_usage=True)
REPLY = Reply(number=1, ttft_s=1.0, tokens_per_s=1.0, output_tokens=4)
NS = 1_700_000_000_000_000_000
ERROR = b'data: {"error":{}}\n\n'


def stream(*faults: dict) -> Script:
    parsed = tuple(FAULT.validate_python(fault) for fault in faults)
    return stream_script(REPLY, ChatEvents(PARSED, REPLY, 0), ERROR, parsed)


def plain(*faults: dict, body: bytes = b"0123456789") -> Script:
    return plain_script(REPLY, body, tuple(FAULT.validate_python(fault) for fault in faults))


def sound() -> list[bytes]:
    events = ChatEvents(PARSED, REPLY, 0)
    return [*events.opening(), events.first(0, NS), *(events.token(i) for i in (1, 2, 3)), *events.closing()]


def written(script: Script) -> list[tuple[float, bytes]]:
    return [(write.at_s, write.render(NS, bytes)) for write in script.writes]


def test_without_a_cut_a_script_writes_what_a_sound_answer_would():
    script = stream({"kind": "fragment"})
    assert b"".join(data for _, data in written(script)) == b"".join(sound())
    assert [at_s for at_s, _ in written(script)] == [1.0, 2.0, 3.0, 4.0]
    assert (script.ending, script.length) == (Ending.COMPLETE, None)


def test_a_stall_delays_what_comes_after_it():
    assert [at_s for at_s, _ in written(stream({"kind": "stall", "for": "10s"}))] == [1.0, 2.0, 13.0, 14.0]
    assert [at_s for at_s, _ in written(stream({"kind": "stall", "for": "10s", "after_tokens": 0}))] == [
        11.0,
        12.0,
        13.0,
        14.0,
    ]


def test_a_stall_may_keep_the_connection_alive_with_comments():
    script = stream({"kind": "stall", "for": "10s", "keep_alive": "4s", "comment": "PING"})
    assert written(script)[2:4] == [(7.0, b": PING\n\n"), (11.0, b": PING\n\n")]


@pytest.mark.parametrize(("after_tokens", "events"), [(0, 1), (1, 2), (3, 4), (4, 5), (9, 5)])
def test_a_truncated_stream_ends_in_order_after_so_many_tokens(after_tokens, events):
    script = stream({"kind": "truncate", "after_tokens": after_tokens})
    assert b"".join(data for _, data in written(script)) == b"".join(sound()[:events])
    assert script.ending is Ending.COMPLETE


def test_a_reset_comes_before_the_stream_or_in_its_middle():
    before, middle = stream({"kind": "reset"}), stream({"kind": "reset", "at": "middle"})
    assert (before.writes, before.ends_at_s, before.ending) == ((), 1.0, Ending.RESET)
    assert b"".join(data for _, data in written(middle)) == b"".join(sound()[:3])
    assert middle.ending is Ending.RESET


def test_an_error_event_is_the_last():
    assert written(stream({"kind": "error_event", "after_tokens": 1}))[-1] == (2.0, ERROR)
    assert b"".join(data for _, data in written(stream({"kind": "error_event"}))) == b"".join(sound()[:3]) + ERROR


def test_usage_can_be_missing_where_it_was_asked_for():
    data = b"".join(data for _, data in written(stream({"kind": "missing_usage"})))
    assert b'"usage":{' not in data
    assert data.endswith(b"data: [DONE]\n\n")


def test_one_event_can_be_cut_json():
    events = b"".join(data for _, data in written(stream({"kind": "malformed_json"}))).split(b"\n\n")
    whole = b"".join(sound()).split(b"\n\n")
    assert events[3] == whole[3][: (len(whole[3]) + 2) // 2]
    assert events[:3] + events[4:] == whole[:3] + whole[4:]


def test_one_event_can_come_twice():
    whole = sound()
    assert b"".join(data for _, data in written(stream({"kind": "duplicate_chunk"}))) == b"".join(
        [*whole[:4], whole[3], *whole[4:]]
    )


def test_lines_can_end_with_carriage_returns():
    data = b"".join(data for _, data in written(stream({"kind": "crlf"})))
    assert data == b"".join(sound()).replace(b"\n", b"\r\n")


def test_a_buffered_stream_comes_at_the_end():
    assert written(stream({"kind": "buffered"})) == [(4.0, b"".join(sound()))]


def test_events_can_come_several_at_a_time():
    # Eight events: role, four tokens, finish, usage, done; three at a time, each when its last one is due.
    script = stream({"kind": "coalesce", "events": 3})
    assert [(at_s, data.count(b"\n\n")) for at_s, data in written(script)] == [(2.0, 3), (4.0, 5)]


def test_fragments_are_pieces_of_the_same_bytes():
    cut = stream({"kind": "fragment", "bytes": 7, "pause": "5ms"}).writes[0].cut
    assert cut is not None
    assert cut.pieces(b"0123456789abcdef") == [b"0123456", b"789abcd", b"ef"]
    assert cut.pause_s == 0.005


def test_one_write_is_split_inside_a_character():
    writes = stream({"kind": "split_utf8", "after_tokens": 2}).writes
    assert [write.cut is not None for write in writes] == [False, False, True, False]
    data = writes[2].render(NS, bytes)
    first, second = present(writes[2].cut).pieces(data)
    assert first + second == data
    assert (first[-1:], second[:1]) == (b"\xc3", b"\xa9")


def test_a_huge_chunk_holds_a_text_of_that_size():
    data = written(stream({"kind": "huge_chunk", "size": "1MB"}))[2][1]
    assert b'"content":"' + b"x" * 1_000_000 + b'"' in data


@pytest.mark.parametrize("by", [100, -100])
def test_a_wrong_length_is_off_by_that_much(by):
    script = stream({"kind": "wrong_length", "by": by})
    assert script.length == sum(len(data) for _, data in written(script)) + by
    assert script.ending is Ending.CLOSE


def test_faults_can_come_together():
    script = stream({"kind": "crlf"}, {"kind": "stall", "for": "5s"}, {"kind": "truncate", "after_tokens": 3})
    assert [at_s for at_s, _ in written(script)] == [1.0, 2.0, 8.0]
    assert all(b"\r\n\r\n" in data for _, data in written(script))


BREAKING = [
    {"kind": "truncate", "after_tokens": 1},
    {"kind": "reset"},
    {"kind": "reset", "at": "middle", "after_tokens": 1},
    {"kind": "error_event", "after_tokens": 1},
]
LATER = [
    {"kind": "stall", "for": "5s", "after_tokens": 3},
    {"kind": "error_event", "after_tokens": 3},
    {"kind": "malformed_json", "after_tokens": 3},
]


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("breaking", BREAKING)
def test_a_fault_behind_the_end_of_a_stream_changes_nothing(breaking, later):
    cut, both, turned = stream(breaking), stream(breaking, later), stream(later, breaking)
    assert written(both) == written(turned) == written(cut)
    assert both.ending is turned.ending is cut.ending


@pytest.mark.parametrize("other", [{"kind": "stall", "for": "3s"}, {"kind": "truncate"}, {"kind": "wrong_length"}])
def test_a_reset_of_a_plain_answer_has_the_last_word(other):
    for script in (plain({"kind": "reset"}, other), plain(other, {"kind": "reset"})):
        assert (written(script), script.ending, script.ends_at_s) == ([], Ending.RESET, 1.0)


def test_a_stalled_body_that_is_malformed_is_as_long_as_it_says():
    malformed, stalled = {"kind": "malformed_json"}, {"kind": "stall", "for": "3s"}
    for script in (plain(malformed, stalled), plain(stalled, malformed)):
        assert (written(script), script.length) == ([(4.0, b"01"), (7.0, b"234")], 5)


def test_hidden_thoughts_are_not_in_the_script_but_their_time_is():
    reply = Reply(number=1, ttft_s=1.0, tokens_per_s=1.0, output_tokens=4, reasoning_tokens=2)
    script = stream_script(reply, ChatEvents(PARSED, reply, 0), ERROR, (FAULT.validate_python({"kind": "crlf"}),))
    assert [at_s for at_s, _ in written(script)] == [3.0, 4.0]


@pytest.mark.parametrize(
    ("fault", "writes", "ending", "length"),
    [
        ({"kind": "malformed_json"}, [(4.0, b"01234")], Ending.COMPLETE, 5),
        ({"kind": "truncate"}, [(4.0, b"01234")], Ending.CLOSE, 10),
        ({"kind": "reset", "at": "middle"}, [(4.0, b"01234")], Ending.RESET, 10),
        ({"kind": "reset"}, [], Ending.RESET, 10),
        ({"kind": "stall", "for": "3s"}, [(4.0, b"01234"), (7.0, b"56789")], Ending.COMPLETE, 10),
        ({"kind": "wrong_length", "by": 7}, [(4.0, b"0123456789")], Ending.CLOSE, 17),
        ({"kind": "wrong_length", "by": -3}, [(4.0, b"0123456789")], Ending.CLOSE, 7),
    ],
)
def test_plain_answers_have_their_faults_too(fault, writes, ending, length):
    script = plain(fault)
    assert (written(script), script.ending, script.length) == (writes, ending, length)


def test_a_plain_answer_that_is_reset_ends_when_its_first_token_was_due():
    assert plain({"kind": "reset"}).ends_at_s == 1.0
