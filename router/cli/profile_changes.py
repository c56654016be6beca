"""The log of changes of the identity graph as lines of JSON."""

from collections.abc import Iterator

from msgspec import Raw

from router.admin.profile_changes import CHANGES, MOST_SECONDS, AskChanges
from router.cli.asking import Asking
from router.cli.profile_words import json_line
from router.events.times import format_instant
from router.storage.profile_changes import Change


def lines(put: Asking, *, number: int | None, is_followed: bool) -> Iterator[str]:
    """A line for each entry from `number` on (None: the oldest, or from now on) and for each gap, until the end.

    With `is_followed` it goes on with what comes, as long as a router runs.
    """
    seconds = 0.0
    while True:
        found = put(CHANGES, AskChanges(number, is_from_now=is_followed, seconds=seconds))
        if found is None:
            return
        number, seconds = found.next, MOST_SECONDS
        if found.gone is not None:
            first, after = found.gone
            yield json_line({"kind": "gone", "first": first, "after": after})
        yield from map(_line, found.changes)
        if found.is_end and not (is_followed and put.is_router):
            return
        if not found.is_end:
            seconds = 0.0


def _line(change: Change) -> str:
    facts = {
        "kind": change.kind,
        "number": change.number,
        "profile": change.profile,
        "space": change.space,
        "collection": change.collection,
        "data": Raw(change.data),
        "timestamp": format_instant(change.at),
        "received_at": format_instant(change.received_at),
        "source": change.source,
        "message_id": change.message_id,
        "event_type": change.event_type,
        "event_name": change.event_name,
    }
    return json_line(facts)
