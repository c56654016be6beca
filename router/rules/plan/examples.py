"""Tries example calls against a plan, as a source with the strictest settings would."""

from typing import Any

import msgspec

from router.events.calls import EVENT_TYPES, AnyEvent, decode_event
from router.rules.plan.enforcement import Enforcement, TrackEnforcement, TraitEnforcement
from router.rules.plan.judge import Judge
from router.rules.plan.plan import Plan

_MOMENT = "2030-01-01T00:00:00.000Z"
_STRICT = Enforcement(
    track=TrackEnforcement(unplanned_events="block", unplanned_properties="omit"),
    identify=TraitEnforcement(unplanned_traits="omit"),
    group=TraitEnforcement(unplanned_traits="omit"),
)


class Examples:
    """Examples of one plan."""

    def __init__(self, plan: Plan) -> None:
        self._judge = Judge(plan, _STRICT, source="example")

    def problems(self, line: bytes) -> list[str]:
        """What is wrong with the call in `line`, written as a client sends it; nothing when it keeps to the plan."""
        try:
            event = _event(line)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            return [f"is no call: {error}"]
        found = self._judge(event)
        if found is None:
            return []
        said = [f"unplanned property {name}" for name in found.omitted]
        if self._judge.plan.rule_for(event) is None and found.blocked:
            said.append(f'there is no rule for "{getattr(event, "event", event.type)}"')
        return [*said, *(str(one) for one in found.violations)]


def _event(line: bytes) -> AnyEvent:
    call: Any = msgspec.json.decode(line)
    if not isinstance(call, dict) or call.get("type") not in EVENT_TYPES:
        raise ValueError(f'write an object with "type", one of {", ".join(EVENT_TYPES)}')
    stored = {"messageId": "example", "timestamp": _MOMENT, **call, "receivedAt": _MOMENT}
    return decode_event(msgspec.json.encode(stored))
