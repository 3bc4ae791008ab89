import pytest

from relayload.core.stats.histogram import bucket
from relayload.core.wire.request import Endpoint, Timeouts
from relayload.core.wire.stream import TokenStream
from relayload.transport.deadlines import next_deadline
from relayload.transport.failures import Failure

CALLED_AT_S, SENT_AT_S = 100.0, 101.0
ALL = Timeouts(first_token_s=5.0, gap_s=2.0, total_s=30.0)
TOKEN = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
FINISH = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'


def stream_at(*token_at_s: float, ending: bytes = b"") -> TokenStream:
    stream = TokenStream(Endpoint.CHAT, bucket)
    for at_s in token_at_s:
        stream.feed(TOKEN, at_s)
    stream.feed(ending, 103.5)
    return stream


@pytest.mark.parametrize(
    ("timeouts", "stream", "deadline"),
    [
        (ALL, None, (106.0, Failure.FIRST_TOKEN_TIMEOUT)),
        (ALL, stream_at(), (106.0, Failure.FIRST_TOKEN_TIMEOUT)),
        (ALL, stream_at(103.0), (105.0, Failure.GAP_TIMEOUT)),
        (ALL, stream_at(103.0, 129.0), (130.0, Failure.TOTAL_TIMEOUT)),
        (ALL, stream_at(103.0, ending=FINISH), (130.0, Failure.TOTAL_TIMEOUT)),
        (ALL, stream_at(103.0, ending=b"data: [DONE]\n\n"), (104.5, Failure.TRUNCATED)),
        (Timeouts(first_token_s=5.0, total_s=None), stream_at(103.0), None),
        (Timeouts(total_s=None), None, None),
    ],
)
def test_the_first_deadline_is_the_next(timeouts, stream, deadline):
    assert next_deadline(timeouts, CALLED_AT_S, SENT_AT_S, stream, wants_stream=True) == deadline


def test_plain_answers_have_no_first_token():
    deadline = next_deadline(ALL, CALLED_AT_S, SENT_AT_S, None, wants_stream=False)
    assert deadline == (130.0, Failure.TOTAL_TIMEOUT)
