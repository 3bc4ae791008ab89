"""Files that people write: YAML whose values keep their places, and pydantic models that report every fault at once."""

from relayload.document.extends import load_extended
from relayload.document.renamed_keys import with_present_names
from relayload.document.shape import Shape
from relayload.document.source import SET, Document, Location, Place, load, parse
from relayload.document.validation import validate

__all__ = [
    "SET",
    "Document",
    "Location",
    "Place",
    "Shape",
    "load",
    "load_extended",
    "parse",
    "validate",
    "with_present_names",
]
