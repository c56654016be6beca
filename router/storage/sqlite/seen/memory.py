"""Gives freed memory back to the system after work that needed much of it for a moment."""

import ctypes
from collections.abc import Callable


def _trimmer() -> Callable[[int], int] | None:
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return None
    return trim


def give_back() -> None:
    """Return what was freed; without it glibc keeps tens of megabytes of the filters' and pieces' building blocks."""
    trim = _trimmer()
    if trim is not None:
        trim(0)
