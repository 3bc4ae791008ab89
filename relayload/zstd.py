"""The library for zstd, which comes with Python from 3.14 on and is an extra before."""

from typing import Any


def library() -> Any | None:
    """The module; None where it is not installed."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from backports import zstd  # type: ignore[no-redef, import-not-found, import-untyped, attr-defined, unused-ignore]
        except ImportError:
            return None
    return zstd
