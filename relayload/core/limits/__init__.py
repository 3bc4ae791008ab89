"""The search for a relay's limits: from what it admitted and refused to the next requests, or to the limits."""
