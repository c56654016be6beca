"""How a destination wants to be fed: batching, rate, concurrency, retries, order. Same words for every plugin.

A destination declares these as class attributes; `router.toml` overrides any field of them.
"""

from typing import Literal

from msgspec import Struct

from router.plugins.settings import Duration, Size


class Batching(Struct, frozen=True, forbid_unknown_fields=True):
    """How events are put together for one call of `requests` or `deliver`."""

    max_events: int = 1
    """Most events in a batch; 1 sends every event by itself."""
    max_bytes: Size = Size(250 * 1024)
    """A batch closes when the JSON of its events reaches this size; one larger event goes alone."""
    max_wait: Duration = Duration(0)
    """How long a batch that is not full waits for more events. At 0 it leaves as soon as the destination is free."""


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """A limit on how fast a destination is called."""

    requests: int
    """Most requests in each period."""
    per: Duration = Duration(1)
    """The period."""


class Concurrency(Struct, frozen=True, forbid_unknown_fields=True):
    """How many batches may be on their way at once; the engine finds the best number between the two."""

    initial: int = 1
    """Batches in flight at the start."""
    max: int = 8
    """Most batches in flight, ever."""


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens after a failure that may pass."""

    first: Duration = Duration(0.5)
    """Longest wait before the first probe of a destination that is down; it doubles from there, with full jitter."""
    max: Duration = Duration(30)
    """Longest wait between two probes."""
    give_up: Duration = Duration(86400)
    """Age at which an event that could be tried and never succeeded becomes a dead letter. At least 4 h is usual."""
    timeout: Duration = Duration(10)
    """How long one request may take."""


Ordering = Literal["per_user", "none"]
"""`per_user` (default): events that share a user, anonymous or previous id arrive in the order of the stream."""


class Policies(Struct, frozen=True, kw_only=True):
    """How one configured destination is fed: what its class declares, with what `router.toml` overrides."""

    batching: Batching = Batching()
    rate: Rate | None = None
    concurrency: Concurrency = Concurrency()
    retry: Retry = Retry()
    ordering: Ordering = "per_user"
