"""What a client does so that its application hardly feels a bad relay: retry, keep to quotas, break the circuit.

Sans-IO: every decision is a function of numbers and the instant it is told; nobody sleeps or sends here.
"""
