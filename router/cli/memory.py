"""How the process gets its memory from the system."""

import ctypes
from collections.abc import Callable

_ARENA_MAX = -8
"""The number of the parameter in glibc's `malloc.h`."""


def share_one_arena() -> None:
    """Have all threads allocate from one arena, where the C library is glibc; elsewhere nothing changes.

    By default each thread gets an arena of its own and keeps what it freed: a fifth of the memory of a router with a
    backlog. The interpreter lets one thread run at a time anyway, so they hardly wait for each other.
    """
    try:
        mallopt: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(_ARENA_MAX, 1)
