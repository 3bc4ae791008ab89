"""Adds our options to `locust -f locustfiles/relay.py --help`, which Locust prints before it reads the locustfile.

Locust has no entry points for plugins; all that it imports by itself is `locust_plugins`, if that is installed.
`relayload_locust_help.pth` imports this module only if the command line asks Locust for its help. When Locust then
imports `locust_plugins`, options can still be added.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_LOAD = "load_users"


class _BesidePlugins(MetaPathFinder):
    """Finds nothing, and adds the options when Locust looks for its plugins."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 -- importlib's
        target: ModuleType | None = None,  # noqa: ARG002 -- importlib's
    ) -> ModuleSpec | None:
        if fullname == "locust_plugins":
            sys.meta_path.remove(self)
            _add_to_help()
        return None


def _add_to_help() -> None:
    from locust import events
    from locust.argument_parser import get_empty_argument_parser

    from relayload.locust_plugin.options import add_options

    asked, _ = get_empty_argument_parser(add_help=False).parse_known_args()
    if any(_loads_a_profile(Path(name.strip())) for name in asked.locustfile.split(",")):
        events.init_command_line_parser.add_listener(add_options)


def _loads_a_profile(locustfile: Path) -> bool:
    return locustfile.is_file() and _LOAD in locustfile.read_text(encoding="utf-8", errors="replace")


sys.meta_path.insert(0, _BesidePlugins())
