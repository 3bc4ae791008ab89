"""`relayload export`: recordings for other tools, one file for each of them."""
