"""`relayload limits`: the search of `core/limits`, driven by real requests."""
