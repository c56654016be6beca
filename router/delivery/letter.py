"""Makes the dead letter of an event."""

from router.delivery.verdict import Verdict
from router.events.calls import readable
from router.events.envelope import Envelope
from router.events.profile import pack
from router.storage.letters import DeadLetter


def dead_letter(
    destination: str,
    envelope: Envelope,
    verdict: Verdict,
    *,
    attempts: int,
    first_tried_at: int,
    now: int,
) -> DeadLetter:
    """The letter that keeps `envelope`'s event, with the last request and what came back."""
    return DeadLetter(
        destination=destination,
        position=envelope.position,
        message_id=envelope.event.message_id,
        reason=verdict.code,
        attempts=attempts,
        first_tried_at=first_tried_at,
        died_at=now,
        event=readable(envelope.event),
        request=verdict.request,
        answer=verdict.answer,
        source=envelope.source,
        profile=pack(envelope.event.profile),
    )
