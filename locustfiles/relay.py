"""Load-test a relay with Locust: `locust -f locustfiles/relay.py --relay-profile FILE [--headless]`."""

from relayload import load_users

globals().update(load_users(__name__))
