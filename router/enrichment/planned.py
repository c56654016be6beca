"""The step that holds events to the tracking plan of their source, and forwards what it finds."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Raw

from router.enrichment.processing import Aside, Created
from router.events.calls import AnyEvent, Track
from router.plugins.dropped import Dropped
from router.rules.merge import set_member
from router.rules.plan.enforcement import Enforcement
from router.rules.plan.judge import Judge
from router.rules.plan.plan import VIEWED, Plan
from router.rules.plan.violation import Violation

PREFIX = "sch-"
"""Message ids of events that come of a plan begin so."""
VIOLATION_EVENT = "Violation Generated"
VIOLATION_USER = "schema-violations"
FORWARDED_BLOCKED, FORWARDED_VIOLATION = "blocked_event", "violation"
"""What forwarded events are counted under."""
_MOST_IN_DETAIL = 10
_encode = msgspec.json.Encoder().encode


class Planned:
    """Judges each event; one that is blocked becomes a dead letter of the pipeline."""

    def __init__(self, plan: Plan, enforcement: Enforcement, *, source: str) -> None:
        self._judge = Judge(plan, enforcement, source=source)
        self._plan = plan
        self._source = source
        self._violations_to = enforcement.forward_violations_to
        self._blocked_to = enforcement.forward_blocked_to

    def __call__(self, event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
        """The event as it goes on, or why it does not."""
        found = self._judge(event)
        if found is None:
            return event
        aside.violations = found.violations
        if self._violations_to is not None:
            aside.created += self._forwarded_violations(event, found.violations)
        if not found.blocked:
            return found.event
        if self._blocked_to is not None:
            aside.created.append(Created(self._blocked_to, self._forwarded(found.event), FORWARDED_BLOCKED))
        return Dropped(found.blocked, is_kept=True, detail=self._detail(event, found.violations))

    def _forwarded(self, event: AnyEvent) -> AnyEvent:
        """The whole event under an id of its own: with its old one, the other source would hold it for a duplicate."""
        context = bytes(event.context_json)
        protocols = msgspec.json.encode({**event.context["protocols"], "eventMessageID": event.message_id})
        return event.replace(
            message_id=_derived(event, self._source, "blocked"),
            context_json=Raw(set_member(context, "protocols", protocols)),
        )

    def _forwarded_violations(self, event: AnyEvent, violations: Sequence[Violation]) -> Iterator[Created]:
        for number, one in enumerate(violations):
            properties = {
                "appVersion": _app_version(event),
                "eventMessageID": event.message_id,
                "eventName": shown_name(event),
                "eventSentAt": event.sent_at,
                "eventTimestamp": event.timestamp,
                "eventType": event.type,
                "sourceID": self._source,
                "sourceName": self._source,
                "sourceSlug": self._source,
                "trackingPlanID": self._plan.id,
                "trackingPlanName": self._plan.name,
                "violationDescription": one.description,
                "violationField": one.field,
                "violationType": one.type,
            }
            made = Track(
                event=VIOLATION_EVENT,
                user_id=VIOLATION_USER,
                message_id=_derived(event, self._source, f"{number} {one.type} {one.field}"),
                properties_json=Raw(_encode(properties)),
                original_timestamp=event.received_at,
                received_at=event.received_at,
                timestamp=event.received_at,
                version=event.version,
                _extra=b'"forwardedFromProject":' + _encode(self._source),
            )
            yield Created(str(self._violations_to), made, FORWARDED_VIOLATION)

    def _detail(self, event: AnyEvent, violations: Sequence[Violation]) -> str:
        """Why it was blocked, for people."""
        plan = f"the plan {self._plan.name!r}" if self._plan.name else "the tracking plan"
        lines = [str(one) for one in violations[:_MOST_IN_DETAIL]]
        if self._plan.rule_for(event) is None:
            lines.insert(0, f'{plan} has no rule for "{shown_name(event)}"')
        if len(violations) > _MOST_IN_DETAIL:
            lines.append(f"and {len(violations) - _MOST_IN_DETAIL} violations more")
        return "\n".join(lines)


def shown_name(event: AnyEvent) -> str:
    """What an event is called where it is shown: pages and screens without a name as their track events."""
    if isinstance(event, Track):
        return event.event
    viewed = VIEWED.get(type(event))
    return (getattr(event, "name", None) or viewed[1]) if viewed else event.type


def _derived(event: AnyEvent, source: str, rule: str) -> str:
    """The same each time that this event is judged."""
    text = f"{source}\0{event.message_id}\0{rule}".encode(errors="replace")
    return PREFIX + blake2b(text, digest_size=16).hexdigest()


def _app_version(event: AnyEvent) -> str:
    app = event.context.get("app")
    version = app.get("version") if isinstance(app, dict) else None
    return version if isinstance(version, str) else ""
