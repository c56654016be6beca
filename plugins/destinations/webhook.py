"""Send events to an HTTP endpoint of your own, as Segment's Webhooks destination does."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

from router import (
    AnyEvent,
    Batching,
    Destination,
    Duration,
    Request,
    Requests,
    Retry,
    Secret,
    Settings,
    hookimpl,
)

LARGEST_ARRAY = 4000


class WebhookSettings(Settings, frozen=True):
    """Where to send, and how the receiver knows that it was us."""

    url: str
    """The endpoint, e.g. "https://example.com/hook". Every 2xx answer means that it has the events."""
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    """The HTTP method; POST by default."""
    headers: Mapping[str, Secret] = {}
    """Headers of your own, e.g. { Authorization = "env:HOOK_TOKEN" }; none by default. Their values are not shown."""
    secret: Secret | None = None
    """The shared secret of the `X-Signature` header: hex HMAC-SHA1 of the body; no signature by default."""
    gzip: bool = False
    """Whether bodies are compressed (`Content-Encoding: gzip`); the signature is that of the uncompressed body."""


class Webhook(Destination[WebhookSettings, AnyEvent]):
    """Send each event as the JSON object that the router keeps, or arrays of them where `batching` asks for more.

    track: sent as it is. identify: sent as it is. page: sent as it is. screen: sent as it is. group: sent as it is.
    alias: sent as it is. `X-Signature` signs the whole body of a single event, and of an array the JSON of its first
    element. `Idempotency-Key` is the message id, or for an array the first message id with a digest of all of them.
    """

    kind = "webhook"
    sample = """\
settings.url = "https://example.com/hook"
settings.secret = "env:HOOK_SECRET"
"""
    batching = Batching(max_events=1)
    retry = Retry(timeout=Duration(5))

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """One request for each event, or one for each array."""
        largest = min(self.batching.max_events, LARGEST_ARRAY)
        if largest <= 1:
            for event in events:
                yield self._request(event.json, signed=event.json, key=_header_text(event.message_id))
            return None
        for part in _parts(events, largest):
            objects = [event.json for event in part]
            body = b"[" + b",".join(objects) + b"]"
            yield self._request(body, signed=objects[0], key=_array_key(part))
        return None

    def _request(self, body: bytes, *, signed: bytes, key: str) -> Request:
        settings = self.settings
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        for name, value in settings.headers.items():
            headers[name] = value.reveal()
        if settings.secret:
            headers["X-Signature"] = hmac.new(
                settings.secret.reveal().encode(), signed, hashlib.sha1
            ).hexdigest()
        return Request(
            method=settings.method, url=settings.url, headers=headers, body=body, compress=settings.gzip
        )


def _parts(events: Sequence[AnyEvent], largest: int) -> Iterator[Sequence[AnyEvent]]:
    for start in range(0, len(events), largest):
        yield events[start : start + largest]


def _array_key(events: Sequence[AnyEvent]) -> str:
    ids = "\n".join([event.message_id for event in events])
    return f"{_header_text(events[0].message_id)}-{hashlib.sha1(ids.encode()).hexdigest()[:16]}"


def _header_text(message_id: str) -> str:
    """A message id as it may stand in a header: anything but visible ASCII is percent-encoded."""
    is_plain = message_id.isascii() and message_id.isprintable() and " " not in message_id
    return message_id if is_plain else quote(message_id, safe="")


@hookimpl
def register_destinations() -> list[type[Destination[WebhookSettings, AnyEvent]]]:
    """Register the webhook."""
    return [Webhook]
