"""One try of a webhook source: from a vendor's request to calls, with the requests that it makes on the way."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from router.errors import PluginError
from router.events.times import format_instant
from router.plugins.request import Answer, Request
from router.plugins.source import Call
from router.plugins.webhook import WebhookRequest, WebhookSource

MOST = 10_000
"""A generator that yields more would never end."""
SLICE_SECONDS = 0.002
"""What is done of many calls without giving way to the loop."""
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_NULL = b"null"

Ask = Callable[[Request], Awaitable[Answer]]
"""Sends a request; raises what ends the try."""


async def calls_of(
    source: WebhookSource[Any], hook: WebhookRequest, *, call: Callable[..., Any], ask: Ask
) -> list[Call]:
    """The calls that `source` makes of `hook`; raises what it raises. `call(function, …)` calls the plugin's code."""
    described = call(source.receive, hook)
    if isinstance(described, (list, tuple)):
        return [_call(one) for one in described]
    if not isinstance(described, Generator):
        found = type(described).__name__
        raise PluginError(f"receive() returned {found}; let it yield calls, or return a list of them")
    calls: list[Call] = []
    answer: Answer | None = None
    began = time.monotonic()
    try:
        for _ in range(MOST):
            if time.monotonic() - began > SLICE_SECONDS:
                await asyncio.sleep(0)
                began = time.monotonic()
            try:
                one = call(described.send, answer)
            except StopIteration:
                return calls
            answer = None
            if isinstance(one, Request):
                answer = await ask(one)
            else:
                calls.append(_call(one))
    finally:
        call(described.close)  # it may have something to clean up
    raise PluginError(f"receive() yields more than {MOST} calls and requests for one request")


async def numbered(hook: WebhookRequest, calls: list[Call], store_id: bytes) -> list[Call]:
    """The calls with what they lack: a message id that is the same each time, and the time of the request."""
    space = uuid.UUID(bytes=store_id)
    received_at = msgspec.json.encode(format_instant(hook.received_at))
    made: list[Call] = []
    began = time.monotonic()
    for index, one in enumerate(calls):
        made.append(_numbered(one, uuid.uuid5(space, f"{hook.id} {index}"), received_at))
        if time.monotonic() - began > SLICE_SECONDS:
            await asyncio.sleep(0)
            began = time.monotonic()
    return made


def _numbered(call: Call, message_id: uuid.UUID, received_at: bytes) -> Call:
    try:
        members = _members(call if isinstance(call, bytes) else msgspec.json.encode(call))
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError, ValueError, OverflowError, RecursionError):
        return call  # no call at all: it is refused, with the reason
    if _lacks(members, "messageId") or bytes(members["messageId"]) == b'""':
        members["messageId"] = Raw(msgspec.json.encode(str(message_id)))
    if _lacks(members, "timestamp") and _lacks(members, "originalTimestamp"):
        members["timestamp"] = Raw(received_at)
    return msgspec.json.encode(members)


def _lacks(members: Mapping[str, Raw], name: str) -> bool:
    return name not in members or bytes(members[name]) == _NULL


def _call(one: object) -> Call:
    if not isinstance(one, (Mapping, bytes)):
        raise PluginError(
            f"receive() yielded {type(one).__name__}; yield calls as dictionaries, or a Request"
        )
    return dict(one) if isinstance(one, Mapping) and not isinstance(one, dict) else one
