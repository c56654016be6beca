"""Calls as clients send them: strict structs that decode the ordinary call in one step.

A call that these structs do not accept is not yet refused: `router.rules.request` then reads it member by
member and decides, by the rules of `tracking-api` 6.2, what is wrong with it or how it is to be understood.
That slow road yields the same structs, with `extra` holding the top-level fields that the structs do not know.
"""

from typing import Annotated

from msgspec import Meta, Raw, Struct

Identifier = Annotated[str, Meta(min_length=1)]
MessageId = Annotated[str, Meta(min_length=1, max_length=100)]
Instant = str | int | float
"""A time as a client writes it: ISO 8601 text, or a number of seconds or milliseconds (tracking-api 10)."""

ABSENT = Raw()
"""The value of an open-JSON field that was not sent, or was sent as null."""


NAMES = {
    "message_id": "messageId",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "group_id": "groupId",
    "previous_id": "previousId",
    "original_timestamp": "originalTimestamp",
    "sent_at": "sentAt",
    "received_at": "receivedAt",
}
"""Our names of the fields that Segment spells in camel case."""


class Extra(bytes):
    """JSON text that only the slow road makes: a client's own "(extra)" never decodes into it."""


NO_EXTRA = Extra()


class Call(
    Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    tag_field="type",
    forbid_unknown_fields=True,
    rename={**NAMES, "metadata": "_metadata", "write_key": "writeKey", "extra": "(extra)"},
):
    """Fields that every call may carry (events 1). Open JSON stays raw bytes; null counts as absent."""

    message_id: MessageId | None = None
    user_id: Identifier | None = None
    anonymous_id: Identifier | None = None
    timestamp: Instant | None = None
    original_timestamp: Instant | None = None
    sent_at: Instant | None = None
    received_at: Raw = ABSENT
    context: Raw = ABSENT
    integrations: Raw = ABSENT
    channel: str | None = None
    version: Raw = ABSENT
    metadata: Raw = ABSENT
    write_key: Raw = ABSENT
    extra: Extra = NO_EXTRA
    """Unknown top-level fields as JSON text `"key":value,"key":value`, kept as they were sent."""


class TrackCall(Call, tag="track", frozen=True):
    """Something a user did."""

    event: str
    properties: Raw = ABSENT


class IdentifyCall(Call, tag="identify", frozen=True):
    """Who a user is."""

    traits: Raw = ABSENT


class PageCall(Call, tag="page", frozen=True):
    """A page of a website was seen."""

    name: Identifier | None = None
    category: Identifier | None = None
    properties: Raw = ABSENT


class ScreenCall(Call, tag="screen", frozen=True):
    """A screen of an app was seen."""

    name: Identifier | None = None
    category: Identifier | None = None
    properties: Raw = ABSENT


class GroupCall(Call, tag="group", frozen=True):
    """A user belongs to an account."""

    group_id: Identifier
    traits: Raw = ABSENT


class AliasCall(Call, tag="alias", frozen=True):
    """Two ids are one user."""

    previous_id: Identifier


AnyCall = TrackCall | IdentifyCall | PageCall | ScreenCall | GroupCall | AliasCall
