"""`python -m relayload`."""

from relayload.cli import main

main()
