"""`relayload capacity`: the search of `core/capacity`, driven by real runs."""
