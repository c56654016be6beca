"""The event that tells of a field which probably holds personal data and was not seen before (protocols 12)."""

from hashlib import blake2b

import msgspec
from msgspec import Raw

from router.enrichment.processing import Created
from router.events.calls import AnyEvent, Track
from router.events.found_field import FoundField

PREFIX = "pri-"
"""Message ids of alerts begin so."""
ALERT_EVENT = "Unclassified Field Found"
ALERT_USER = "privacy-alerts"
PRIVACY_ALERT = "privacy_alert"
"""What alerts are counted under."""
_encode = msgspec.json.Encoder().encode


def alert(found: FoundField, event: AnyEvent, *, source: str, to: str) -> Created:
    """The alert on the source `to`, of a field found in `event`; there is no value in it."""
    properties = {
        "field": found.path,
        "recommendedClassification": found.colour,
        "matcher": found.matcher,
        "matchType": found.how,
        "looksLike": found.looks_like,
        "eventMessageID": event.message_id,
        "eventName": getattr(event, "event", None) or getattr(event, "name", None) or "",
        "eventTimestamp": event.timestamp,
        "eventType": event.type,
        "sourceID": source,
        "sourceName": source,
        "sourceSlug": source,
    }
    # The same each time that this event is looked at.
    text = f"{source}\0{event.message_id}\0{found.path}".encode(errors="replace")
    made = Track(
        event=ALERT_EVENT,
        user_id=ALERT_USER,
        message_id=PREFIX + blake2b(text, digest_size=16).hexdigest(),
        properties_json=Raw(_encode(properties)),
        original_timestamp=event.received_at,
        received_at=event.received_at,
        timestamp=event.received_at,
        version=event.version,
        _extra=b'"forwardedFromProject":' + _encode(source),
    )
    return Created(to, made, PRIVACY_ALERT)
