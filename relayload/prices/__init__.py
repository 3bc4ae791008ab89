"""Price lists: dated ones that ship with the package, and files of users.

A list is a YAML file with the prices of models; the shipped ones are beside this module.
"""

from relayload.prices.lists import PriceEntry, PriceList, Usd, in_and_out, is_file, names, of_place, read

__all__ = ["PriceEntry", "PriceList", "Usd", "in_and_out", "is_file", "names", "of_place", "read"]
