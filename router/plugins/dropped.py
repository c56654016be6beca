"""An event that goes no further, and why."""

from msgspec import Struct


class Dropped(Struct, frozen=True):
    """An event that goes no further."""

    reason: str
    """What it is counted under; a word of lower case letters, digits and underscores."""
    is_kept: bool = False
    """Whether it becomes a dead letter of the pipeline, to be looked at and sent again; else it is only counted."""
    detail: str = ""
    """What exactly was wrong, for people."""
