"""The locustfile of `relayload run`; `locustfiles/relay.py` is the one to use with `locust -f`."""

import gc

gc.disable()  # next to nothing that is imported becomes garbage, and looking for it takes a seventh of the time

from relayload.locust_plugin.load import load_users  # noqa: E402

globals().update(load_users(__name__))
gc.freeze()  # so that the collection before the first request skips all this, too
gc.enable()
