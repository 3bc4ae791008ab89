"""Price lists: those that ship with the package, dated, and those of a user's own files.

A list is a YAML file of models with their prices; the shipped ones lie beside this module.
"""

from relayload.prices.lists import PriceEntry, PriceList, Usd, in_and_out, is_file, names, read

__all__ = ["PriceEntry", "PriceList", "Usd", "in_and_out", "is_file", "names", "read"]
