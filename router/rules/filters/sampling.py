"""Who is kept by a sample: decided by a hash, so that an event meets the same fate whenever it is looked at.

With a path the hash is that of the field's value: the first 8 bytes of the MD5 of its canonical JSON (keys sorted, no
white space, UTF-8) as a big-endian number, against 2^64 times the share. A field that is not there counts as null, so
all events without it share one fate. Without a path it is that of the message id, so that an event which is read
again after a crash is not drawn a second time.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from router.events.calls import AnyEvent
from router.rules.filters.definition import Sample
from router.rules.filters.members import path_of
from router.rules.fql.closures import Constant
from router.rules.fql.places import field_of_class, inside

Keeps = Callable[[AnyEvent], bool]
_RANGE = 2**64
_canonical = msgspec.json.Encoder(order="sorted").encode


def compile_sample(sample: Sample, event_class: type[AnyEvent], *, number: int) -> Keeps:
    """Whether an event of a class is kept.

    `number` tells samples without a path apart, so that two halves make a quarter.
    """
    limit = sample.percent * _RANGE
    if sample.percent >= 1:
        return lambda event: True
    if sample.percent <= 0:
        return lambda event: False
    if not sample.path:
        return lambda event: _drawn(event.message_id, number) < limit
    keys = path_of(sample.path)
    found = inside(field_of_class(event_class)(keys[0]), keys[1:])
    if isinstance(found, Constant):
        is_kept = hash_of(found.value) < limit
        return lambda event: is_kept
    return lambda event: hash_of(found(event)) < limit


def hash_of(value: Any) -> int:
    """A number below 2^64 that follows from a JSON value."""
    if value.__class__ is float and value.is_integer():
        value = int(value)  # 1 and 1.0 are one number, whatever a client makes of it
    digest = hashlib.md5(_canonical(value), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "big")


def _drawn(message_id: str, number: int) -> int:
    return xxh3_64_intdigest(message_id.encode("utf-8", "surrogatepass"), number)
