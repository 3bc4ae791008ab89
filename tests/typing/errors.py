"""What an application does about each error."""

from relayload import (
    AuthorError,
    CallerError,
    CallFailed,
    CircuitOpen,
    NotSent,
    RateLimited,
    RelayClient,
    RelayError,
    Unreachable,
)


def connected(base_url: str, api_key: str) -> RelayClient | None:
    try:
        return RelayClient(base_url, api_key)
    except AuthorError as error:
        assert [fault.message for fault in error.faults]
        return None


def answer(client: RelayClient) -> str | None:
    try:
        return client.chat("o3", [{"role": "user", "content": "hi"}]).text
    except CallerError as error:
        return error.message
    except (RateLimited, CircuitOpen):
        return None
    except (RelayError, Unreachable) as error:
        return f"{error.status} {error.request_id} {[attempt.service_s for attempt in error.attempts]}"
    except NotSent as error:
        return error.fault


def blamed(error: CallFailed) -> bool:
    return error.fault == "relay" or (error.kind is not None and error.kind == "unreachable")
