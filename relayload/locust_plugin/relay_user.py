"""A Locust user with a client of a relay, for locustfiles of one's own; Locust's statistics show its calls."""

from locust import User, events
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import MasterRunner, WorkerRunner

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import gevent

from relayload.client import CallReport, RelayClient
from relayload.core.errors import AuthorError, Fault
from relayload.core.exit_codes import ExitCode
from relayload.core.model.record import Outcome
from relayload.locust_plugin.csv_files import write_csv_to_the_end
from relayload.locust_plugin.failed_calls import call_failed, log_no_failed_calls, print_no_traceback_of
from relayload.locust_plugin.locust_stats import log_stream

_MS = 1000.0
_NOT_CONFIGURED = "relayload_user_not_configured"


class RelayUser(User):
    """A user that calls a relay: `self.relay` is a RelayClient of the target that `host`, or `--host`, names.

    All users of a class in a process share the client with its breakers and its quota, as the threads of an application
    would, until the next test starts. `client_options` are the options of RelayClient. The key is read from the
    environment variable `api_key_variable`, unless `api_key` is set.
    """

    abstract = True
    api_key: str | None = None
    api_key_variable = "RELAY_API_KEY"
    client_options: Mapping[str, Any] = MappingProxyType({})
    _clients: ClassVar[dict[Environment, dict[tuple[type, str | None], RelayClient]]] = {}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.relay = self._shared_client(environment)

    def _shared_client(self, environment: Environment) -> RelayClient:
        host = self.host or environment.host
        clients, place = self._clients_of(environment), (type(self), host)
        if place not in clients:
            clients[place] = self._new_client(environment, host)
        return clients[place]

    def _new_client(self, environment: Environment, host: str | None) -> RelayClient:
        key = self.api_key or os.environ.get(self.api_key_variable)
        try:
            if not host or not key:
                raise AuthorError([*_lacking_host(host), *_lacking_key(key, self.api_key_variable)])
            return RelayClient(host, key, **self.client_options, on_call=_Report(environment, host))
        except AuthorError as error:
            _end_as_bad_input(environment)
            told = "; ".join(map(str, error.faults)).replace("base_url:", "host:")
            raise StopTest(f"{type(self).__name__}: {told}") from None

    @classmethod
    def _clients_of(cls, environment: Environment) -> dict[tuple[type, str | None], RelayClient]:
        """Return the clients of the current test. The page may start the next test with another host."""
        if environment not in cls._clients:
            clients = cls._clients[environment] = {}
            environment.events.test_start.add_listener(lambda **_: _close_all(clients))
            log_no_failed_calls(environment, RelayUser)
            write_csv_to_the_end(environment)
        return cls._clients[environment]


def _lacking_host(host: str | None) -> list[Fault]:
    return [] if host else [Fault("no host: write host = 'https://relay.example/v1' in the class, or --host")]


def _lacking_key(key: str | None, variable: str) -> list[Fault]:
    return [] if key else [Fault(f"no key: set the environment variable {variable}, or api_key in the class")]


def _listen_on_master(environment: Environment, **_: Any) -> None:
    """Let workers, which make the users, report bad input to the master, which sets the exit code."""
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(_NOT_CONFIGURED, lambda **_: _end_as_bad_input(environment))


def _end_as_bad_input(environment: Environment) -> None:
    """End the test, unless there is a page, where another host may be named for the next one."""
    environment.process_exit_code = ExitCode.BAD_INPUT
    print_no_traceback_of(StopTest)
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.send_message(_NOT_CONFIGURED)
    elif environment.web_ui is None and environment.runner is not None:
        gevent.spawn(environment.runner.quit)


def _close_all(clients: dict[tuple[type, str | None], RelayClient]) -> None:
    for client in clients.values():
        client.close()
    clients.clear()


class _Report:
    """Reports calls to Locust's statistics, with the time that the caller waited."""

    def __init__(self, environment: Environment, base_url: str) -> None:
        self._environment = environment
        self._base_url = base_url

    def __call__(self, report: CallReport) -> None:
        if report.outcome is Outcome.ABANDONED:
            return  # Locust ended the user: nobody's failure
        last = report.attempts[-1] if report.attempts else None
        self._environment.events.request.fire(
            request_type=report.endpoint,
            name=report.name if last else f"{report.name} (not sent)",
            response_time=report.latency_s * _MS,
            response_length=last.received_bytes if last else 0,
            exception=report.error and call_failed(report.model, report.error, self._base_url),
            context={"relayload": report},
        )
        if last is not None:
            log_stream(self._environment, report.name, last)


events.init.add_listener(_listen_on_master)
