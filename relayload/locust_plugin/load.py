"""The entry point of a locustfile: the profile named on the command line, as Locust User classes."""

from locust import User, events
from locust.env import Environment
from locust.runners import WorkerRunner
from locust.web import WebUI

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from relayload.core.errors import AuthorError
from relayload.core.exit_codes import ExitCode
from relayload.engine import join_secret
from relayload.engine.join_secret import JoinSecret
from relayload.locust_plugin.command_line import Refused, read_options
from relayload.locust_plugin.csv_files import write_csv_to_the_end
from relayload.locust_plugin.doors import Doors, may_close
from relayload.locust_plugin.early import awaited_order
from relayload.locust_plugin.master_profile import profile_of_master
from relayload.locust_plugin.notices import warn
from relayload.locust_plugin.options import OWN_MESSAGE, Options, add_options, stay_on_loopback
from relayload.locust_plugin.ordered_runs import OrderedRuns
from relayload.locust_plugin.plugin import LocustPlugin
from relayload.locust_plugin.ratio import show_what_was_sent
from relayload.locust_plugin.served_ports import check_free
from relayload.locust_plugin.users import scenario_users
from relayload.profile import Profile, load
from relayload.report.ascii_fallback import allow_any_encoding


def load_users(module: str, profile: Path | None = None) -> dict[str, type[User]]:
    """Return the User classes of the profile by name. Exits with code 2 and every fault if the profile is invalid.

    `module` is the locustfile's `__name__`. `profile` is the one to run if the command line, the environment and
    Locust's config files name none.
    """
    allow_any_encoding()
    events.init_command_line_parser.add_listener(add_options)
    events.init_command_line_parser.add_listener(stay_on_loopback)
    try:
        options = read_options(profile)
        if order := awaited_order():
            options = replace(
                options,
                profile=Path(order.profile),
                sets=tuple(order.sets),
                out=Path(order.run_dir),
                fakes=order.fakes,
                ordered=None if order.answers is None else OrderedRuns(order.answers, order.expect_workers),
                private=options.private and not order.expect_workers,
            )
        doors = Doors(_secret(options))
        loaded = load(options.profile, options.sets) if options.master is None else profile_of_master(*options.master)
    except Refused as error:
        _leave(f"{OWN_MESSAGE}{error}")
    except AuthorError as error:
        _leave(str(error) if options.master is None else f"{OWN_MESSAGE}{error}")
    plugin = LocustPlugin(loaded, options)
    events.init.add_listener(doors.check)
    events.init.add_listener(lambda environment, **_: _fit(environment, loaded, options))
    plugin.listen(events)
    events.init.add_listener(lambda environment, web_ui, **_: _open_page(environment, web_ui, loaded, options, plugin))
    return scenario_users(loaded, plugin, module)


def _secret(options: Options) -> JoinSecret | None:
    """Return the join secret; where only forked workers are to take part, one that nobody else has."""
    secret = join_secret.read(options.secret_file, os.environ)
    return join_secret.random_secret() if secret is None and options.private and may_close() else secret


def _fit(environment: Environment, profile: Profile, options: Options) -> None:
    """Adapt what Locust shows and accepts to a profile."""
    if not isinstance(environment.runner, WorkerRunner):
        warn(environment, profile, options)
        show_what_was_sent(environment)
        write_csv_to_the_end(environment)


def _open_page(
    environment: Environment, web_ui: WebUI | None, profile: Profile, options: Options, plugin: LocustPlugin
) -> None:
    if web_ui is not None:
        _check_port(web_ui)
        from relayload.locust_plugin.web import (
            Page,  # whose tables take their time, which a headless run has no use for
        )

        Page(environment, web_ui, profile, options, plugin).open()


def _check_port(web_ui: WebUI) -> None:
    """Leave if the page can't be served on its port, which Locust would log and go on."""
    try:
        check_free([("the page", web_ui.host, web_ui.port)])
    except AuthorError as error:
        _leave(f"{OWN_MESSAGE}{error}")


def _leave(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    raise SystemExit(ExitCode.BAD_INPUT)
