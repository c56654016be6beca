r"""Where a field of an event stands: `properties.cart.total`, with `\.` for a dot within a name."""

import re

from msgspec import Struct

from router.rules.changes.refused import ChangeRefused

MOST_LEVELS = 4
"""How deep a field may stand below `properties` and the like (protocols 10)."""
OPEN = ("properties", "traits", "context", "integrations")
WORDS = {
    "event": "event",
    "name": "name",
    "category": "category",
    "userId": "user_id",
    "anonymousId": "anonymous_id",
    "channel": "channel",
}
"""Top-level fields that may be changed, and the attributes that they stand in."""
_READABLE = {
    **WORDS,
    "type": "type",
    "messageId": "message_id",
    "groupId": "group_id",
    "previousId": "previous_id",
    "timestamp": "timestamp",
    "receivedAt": "received_at",
    "sentAt": "sent_at",
    "originalTimestamp": "original_timestamp",
}
_PARTS = re.compile(r"(?:[^.\\]|\\.)+")


class Place(Struct, frozen=True):
    """A field: the attribute of the event, and the keys below it where that is open JSON."""

    text: str
    root: str
    attribute: str
    keys: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it stands in open JSON."""
        return self.root in OPEN


def parse_place(text: str, *, is_written: bool = True) -> Place:
    """The place that `text` names; raises ChangeRefused when there can be none, or it must not be written."""
    parts = split_path(text)
    root, keys = parts[0], tuple(parts[1:])
    if root in OPEN:
        if not keys and is_written:
            raise ChangeRefused(f'name a field in it, e.g. "{root}.plan"', place=text)
        if len(keys) > MOST_LEVELS:
            raise ChangeRefused(f"it is more than {MOST_LEVELS} levels deep; name one further up", place=text)
        return Place(text, root, root, keys)
    attribute = (WORDS if is_written else _READABLE).get(root)
    if attribute is None or keys:
        known = ", ".join(f"{one}.…" for one in OPEN) + ", " + ", ".join(WORDS)
        raise ChangeRefused(f"it is no field that can be changed; write one of {known}", place=text)
    return Place(text, root, attribute)


def split_path(text: str) -> list[str]:
    r"""The names in a dotted path; `\.` is a dot within a name, `\\` a backslash. Raises ChangeRefused."""
    parts = _PARTS.findall(text)
    if not parts or ".".join(parts) != text:
        raise ChangeRefused(
            r'it is no path; write names with dots between them, and "\." within one', place=text
        )
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]
