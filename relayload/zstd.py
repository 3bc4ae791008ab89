"""Finds the zstd library, which is part of Python from 3.14 on and an optional dependency before."""

from typing import Any


def library() -> Any | None:
    """Return the module, or None if it is not installed."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from backports import zstd  # type: ignore[no-redef, import-not-found, import-untyped, attr-defined, unused-ignore]
        except ImportError:
            return None
    return zstd
