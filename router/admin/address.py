"""Where the admin door is: a socket file beside the store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 100
"""Systems allow about 104 bytes for the path of a socket."""


def socket_path(store: str) -> Path:
    """The socket that belongs to the store at `store`."""
    return Path(store + ".sock")


@contextmanager
def usable(path: Path) -> Iterator[str]:
    """A name for `path` that is short enough for the system, good inside the block."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
