"""Send events to an HTTP endpoint of your own, as Segment's Webhooks destination does."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

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
    other_names = ("Webhooks",)
    sample = """\
settings.url = "https://example.com/hook"
settings.secret = "env:HOOK_SECRET"
"""
    batching = Batching(max_events=1)
    retry = Retry(timeout=Duration(5))
    idempotency_header = "Idempotency-Key"

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """One request for each event, or one for each array; each decides about its own events."""
        largest = min(self.batching.max_events, LARGEST_ARRAY)
        for part in _parts(events, max(1, largest)):
            objects = [event.json for event in part]
            body = b"[" + b",".join(objects) + b"]" if largest > 1 else objects[0]
            yield self._request(body, signed=objects[0], settles=None if len(part) == len(events) else part)
        return None

    def _request(self, body: bytes, *, signed: bytes, settles: Sequence[AnyEvent] | None) -> Request:
        settings = self.settings
        headers: dict[str, str | Secret] = {"Content-Type": "application/json", **settings.headers}
        if settings.secret:
            key = settings.secret.reveal().encode()
            headers["X-Signature"] = hmac.new(key, signed, hashlib.sha1).hexdigest()
        return Request(
            method=settings.method,
            url=settings.url,
            headers=headers,
            body=body,
            compress=settings.gzip,
            settles=settles,
        )


def _parts(events: Sequence[AnyEvent], largest: int) -> Iterator[Sequence[AnyEvent]]:
    for start in range(0, len(events), largest):
        yield events[start : start + largest]


@hookimpl
def register_destinations() -> list[type[Destination[WebhookSettings, AnyEvent]]]:
    """Register the webhook."""
    return [Webhook]
