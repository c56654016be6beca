"""Judges the events of one source by its plan: whether each passes, changed or not, and what was wrong with it.

    names (unplanned)  ─▶  the rule's schema  ─▶  the common schema  ─▶  context.protocols
       block, omit            block, omit            block, omit

Names are judged before values. What cannot be left out (a property that is missing, an id) is only recorded.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec
from msgspec import Raw, Struct

from router.events.calls import AnyEvent
from router.rules.merge import set_member
from router.rules.plan.enforcement import AllowOmitBlock, Enforcement, Treatment, treatments
from router.rules.plan.names import without_unplanned
from router.rules.plan.omission import droppable, named, without
from router.rules.plan.plan import Compiled, Plan
from router.rules.plan.violation import Path, Violation

UNPLANNED = "unplanned"
SCHEMA_VIOLATION = "schema_violation"
BOTH = "unplanned_and_schema_violation"
COMMON_VIOLATION = "common_schema_violation"
BLOCK_REASONS = (UNPLANNED, SCHEMA_VIOLATION, BOTH, COMMON_VIOLATION)

MOST_VIOLATIONS = 50
"""So many violations of one event are told; a list of a thousand wrong numbers needs no thousand lines."""
MOST_LOOKED_AT = 10_000
_NO_TREATMENT = Treatment()
_encode = msgspec.json.Encoder().encode


class Judgement(Struct, frozen=True):
    """What is to be done with an event, and why."""

    event: AnyEvent
    """The event as it goes on; one that is blocked as it came, with what was wrong in `context.protocols`."""
    blocked: str = ""
    """The reason code when it goes no further."""
    violations: Sequence[Violation] = ()
    omitted: Sequence[str] = ()
    """Unplanned names that were left out."""


class Judge:
    """The plan of one source with the source's settings."""

    def __init__(self, plan: Plan, enforcement: Enforcement, *, source: str) -> None:
        self.plan = plan
        self._treatments = treatments(enforcement)
        self._source = source

    def __call__(self, event: AnyEvent) -> Judgement | None:
        """What is to be done with `event`; None when it keeps to its plan."""
        rule = self.plan.rule_for(event)
        common = self.plan.common_for(event)
        treatment = self._treatments.get(event.type, _NO_TREATMENT)
        if rule is not None:
            if treatment.omits_unplanned:
                keeps = rule.checked.is_exact(event)
            else:
                keeps = rule.checked.accepts(event)
        else:
            keeps = not treatment.blocks_unplanned
        if keeps and (common is None or common.checked.accepts(event)):
            return None
        return _Case(event, self._source, treatment).judged(rule, common)


class _Case:
    """One event that may differ from its plan."""

    def __init__(self, event: AnyEvent, source: str, treatment: Treatment) -> None:
        self._given = self._event = event
        self._source = source
        self._treatment = treatment
        self._part = "traits" if hasattr(event, "traits_json") else "properties"
        self._violations: list[Violation] = []
        self._omitted: dict[str, None] = {}
        self._dropped: dict[str, None] = {}

    def judged(self, rule: Compiled | None, common: Compiled | None) -> Judgement | None:
        blocks = self._treatment.blocks_unplanned and rule is None
        reason = UNPLANNED if blocks else ""
        if rule is not None:
            if self._treatment.omits_unplanned:
                self._omit_unplanned(rule)
            if self._meet(rule, self._treatment.violations):
                reason = BOTH if self._omitted else SCHEMA_VIOLATION
        if common is not None and reason in ("", UNPLANNED) and self._meet(common, self._treatment.common):
            reason = BOTH if reason else COMMON_VIOLATION
        if reason:
            return Judgement(self._told(self._given), reason, self._violations, tuple(self._omitted))
        if not (self._violations or self._omitted):
            return None
        return Judgement(self._told(self._event), "", self._violations, tuple(self._omitted))

    def _omit_unplanned(self, rule: Compiled) -> None:
        value = getattr(self._event, self._part, None)
        if value:
            kept = without_unplanned(value, rule.names, self._omitted)
            if kept is not value:
                self._event = self._event.replace(**{self._part: kept})

    def _meet(self, rule: Compiled, treatment: AllowOmitBlock) -> bool:
        """Whether the event is blocked for what it breaks of the rule; otherwise that is recorded, and left out."""
        if rule.checked.accepts(self._event):
            return False
        paths: dict[Path, None] = {}
        for found in islice(rule.checked.violations(self._event), MOST_LOOKED_AT):
            if len(self._violations) < MOST_VIOLATIONS and found.violation not in self._violations:
                self._violations.append(found.violation)
            if treatment == "omit" and (path := droppable(found.offender, self._part)):
                paths[path] = None
        if paths:
            self._dropped |= {named(path): None for path in paths}
            value = getattr(self._event, self._part)
            self._event = self._event.replace(**{self._part: without(value, paths)})
        return treatment == "block"

    def _told(self, event: AnyEvent) -> AnyEvent:
        """The event with what was found in `context.protocols`, beside what the client wrote there."""
        own = event.context.get("protocols")
        told: dict[str, Any] = {**own} if isinstance(own, dict) else {}
        told["sourceId"] = self._source
        if self._omitted:
            told["omitted"] = list(self._omitted)
        if self._dropped:
            told["omitted_on_violation"] = list(self._dropped)
        if self._violations:
            told["violations"] = self._violations
        return event.replace(
            context_json=Raw(set_member(bytes(event.context_json) or b"{}", "protocols", _encode(told)))
        )
