"""A vendor's request as it waits in the side log, and as a dead letter from which it can be put in again."""

import uuid
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from router.plugins.webhook import WebhookRequest
from router.storage.letters import DeadLetter
from router.storage.side_log import SideEntry

SHOWN_HEADERS = ("content-type", "user-agent", "content-length")
"""Headers whose values a letter shows; any other, and any in the query, may be a secret of vendor and function."""
_PREFIX = "source "
_decode = msgspec.msgpack.Decoder(WebhookRequest).decode
_encode = msgspec.json.encode


def lane_of(source: str) -> str:
    """The lane of a source's requests; their dead letters have it in the place of a destination."""
    return _PREFIX + source


def source_of(lane: str) -> str | None:
    """The source whose lane it is; None for what is no such lane."""
    return lane.removeprefix(_PREFIX) if lane.startswith(_PREFIX) else None


def is_lane(destination: str) -> bool:
    """Whether what a letter names is a lane of the side log; no name of a destination has a blank in it."""
    return " " in destination


def entry_of(source: str, hook: WebhookRequest) -> SideEntry:
    """The entry of a request."""
    return SideEntry(lane=lane_of(source), received_at=hook.received_at, data=msgspec.msgpack.encode(hook))


def request_of(entry: SideEntry, store_id: bytes) -> WebhookRequest:
    """The request of an entry, with the id that it keeps, also as a letter and behind it."""
    hook = _decode(entry.data)
    return (
        hook if hook.id else replace(hook, id=str(uuid.uuid5(uuid.UUID(bytes=store_id), f"hook {entry.id}")))
    )


def letter_of(
    source: str,
    entry: SideEntry,
    hook: WebhookRequest,
    *,
    reason: str,
    said: str,
    at: int,
    hide: Callable[[str], str],
) -> DeadLetter:
    """The dead letter of a request; it holds the whole of it, and shows what is no secret."""
    query = "&".join(_without_value(pair) for pair in hook.query.split("&")) if hook.query else ""
    lines = [f"POST /v1/functions/***{query and f'?{query}'}"]
    lines += [
        f"{name}: {value if name in SHOWN_HEADERS else '***'}" for name, value in sorted(hook.headers.items())
    ]
    return DeadLetter(
        destination=entry.lane,
        position=-1,
        message_id=hook.id,
        reason=reason,
        attempts=entry.attempts,
        first_tried_at=entry.first_tried_at,
        died_at=at,
        event=body_as_json(hook),
        request=hide("\n".join(lines)),
        answer=hide(said),
        source=source,
        entry=msgspec.msgpack.encode(hook),
    )


def body_as_json(hook: WebhookRequest) -> bytes:
    """The body for those who look at it: a form as an object, and what is no JSON as text."""
    try:
        return (
            _encode(hook.form()) if hook.is_form else bytes(msgspec.json.decode(hook.body, type=msgspec.Raw))
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _encode(hook.body.decode(errors="replace"))


def _without_value(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}=***" if equals else "***"


def put_in_again(letter: DeadLetter) -> SideEntry:
    """The entry of a letter's request, or event: it begins anew, under the same id. Raises msgspec.MsgspecError."""
    if source_of(letter.destination) is None:
        return SideEntry(lane=letter.destination, received_at=letter.first_tried_at, data=letter.entry)
    hook = _decode(letter.entry)
    return SideEntry(lane=letter.destination, received_at=hook.received_at, data=letter.entry)
