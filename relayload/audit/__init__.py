"""`relayload audit`: questions to relays and to a reference, and what their answers say."""
