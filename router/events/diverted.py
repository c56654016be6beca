"""An event that leaves processing for a function that asks others, and what comes back of it.

It waits in the side log as it met the function, with all that processing had made of it so far, for none of that is
visible before the event itself is. What comes back enters the inbox again and goes through the steps behind the
function only.
"""

from collections.abc import Sequence

from msgspec import Raw, Struct

from router.events.wire import Call

NO_METADATA = Raw(b"null")


class Derived(Struct, frozen=True):
    """An event that was made of it on the way."""

    source: str
    reason: str
    event: Raw
    """Its stored form."""


class Diverted(Struct, frozen=True, kw_only=True):
    """An event on its way to a function."""

    source: str
    step: str
    """The name of the transformation that takes it out."""
    message_id: str
    before: Raw
    """The event as it met the function, in its stored form."""
    metadata: Raw = NO_METADATA
    derived: Sequence[Derived] = ()
    counts: Sequence[tuple[tuple[str, ...], int]] = ()
    violations: Sequence[tuple[str, str, str]] = ()
    """In what it differs from its plan: type, field and description."""


class Returned(Diverted, frozen=True, kw_only=True):
    """An event that comes back."""

    after: Raw = NO_METADATA
    """What the function made of it, in the stored form; null where it goes no further."""
    dropped: str = ""
    """Why it goes no further."""
    is_kept: bool = False
    """Whether it becomes a dead letter of the pipeline."""
    detail: str = ""


class ReturnedCall(Call, tag="returned", frozen=True):
    """What comes back, in the place of a client's call."""

    returned: Returned
