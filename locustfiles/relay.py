"""Load-test a relay with Locust: `locust -f locustfiles/relay.py --relay-profile FILE [--headless]`."""

from relayload.locust_plugin.load import load_users

globals().update(load_users(__name__))
