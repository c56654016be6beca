"""What a mapping says when an event cannot be mapped."""

from router.errors import RouterError

LONGEST_TEXT = 1 << 20
"""Characters that a directive may make; what grows beyond that is a mistake or an attack."""


class MappingFailed(RouterError):
    """An event cannot be mapped, now or later; the message names the directive and what it got."""


def too_long(directive: str) -> MappingFailed:
    """The error of a text that grew beyond the limit."""
    return MappingFailed(f"{directive} makes more than {LONGEST_TEXT} characters of this event")
