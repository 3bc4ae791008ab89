"""What `relayload run` hands to Locust; `locustfiles/relay.py` is the one to use with `locust -f`."""

from relayload.swarm.load import load_users

globals().update(load_users(__name__))
