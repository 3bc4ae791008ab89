"""Load-test a relay with Locust: `locust -f locustfiles/relay.py [--headless] [--relay-profile FILE]`."""

from pathlib import Path

from relayload.swarm.load import load_users

globals().update(load_users(__name__, Path(__file__).parent.parent / "profiles" / "quickstart.yaml"))
