"""Files people write: YAML with places, and pydantic models judged with every fault at once."""

from relayload.document.source import Document, Location, Place, load, parse
from relayload.document.validation import validate

__all__ = ["Document", "Location", "Place", "load", "parse", "validate"]
