"""How a client copes with a bad relay: retries, quotas and circuit breakers.

Sans-IO: every decision is a function of numbers and the time that is passed in; nothing here sleeps or sends.
"""
