"""What `relayload run` hands to Locust; `locustfiles/relay.py` is the one to use with `locust -f`."""

import gc

gc.disable()  # next to nothing that is imported becomes garbage: to look for it takes a seventh of the time

from relayload.locust_plugin.load import load_users  # noqa: E402

globals().update(load_users(__name__))
gc.freeze()  # so that the sweep before the first request need not look at all this, either
gc.enable()
