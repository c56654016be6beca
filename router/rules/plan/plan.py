"""A tracking plan: its rules, and which of them an event has to keep to."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from router.events.calls import AnyEvent, Group, Identify, Page, Screen, Track
from router.rules.plan.checked import Checked
from router.rules.plan.names import Names, names_of
from router.rules.plan.rule import Rule

VIEWED: dict[type, tuple[str, str]] = {Page: ("PAGE", "Page Viewed"), Screen: ("SCREEN", "Screen Viewed")}
"""How page and screen calls are called where they are shown and validated as track events."""
_EVENT_VERSION = b'"event_version"'


class Compiled:
    """A rule, ready to judge events."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.part = "traits" if rule.type in ("IDENTIFY", "GROUP") else "properties"
        self.checked = Checked(rule.schema, names_only_in="" if rule.type == "COMMON" else self.part)
        self.names: Names = names_of(rule.schema, self.part)


class Versions:
    """The rules of one type and key."""

    def __init__(self, rules: Iterable[Compiled]) -> None:
        self._by_version = {one.rule.version: one for one in rules}
        self.oldest = self._by_version[min(self._by_version)]

    def all(self) -> Iterable[Compiled]:
        """Every version."""
        return self._by_version.values()

    def of(self, event: AnyEvent) -> Compiled:
        """The rule of the version that the event names; the oldest when it names none that there is."""
        if len(self._by_version) == 1 or _EVENT_VERSION not in bytes(event.context_json):
            return self.oldest
        protocols = event.context.get("protocols")
        version: Any = protocols.get("event_version") if isinstance(protocols, dict) else None
        return self._by_version.get(version, self.oldest) if type(version) is int else self.oldest


class Plan:
    """A tracking plan, compiled; two plans are equal when they say the same."""

    def __init__(self, rules: Iterable[Rule], *, id: str = "", name: str = "") -> None:
        """`id` and `name` are what Segment or the operator calls it."""
        self.id = id
        self.name = name
        self.rules = tuple(rules)
        self._digest = blake2b(msgspec.json.encode([id, name, self.rules]), digest_size=16).digest()
        found: dict[tuple[str, str], list[Compiled]] = {}
        for rule in self.rules:
            found.setdefault((rule.type, rule.key), []).append(Compiled(rule))
        self._versions = {place: Versions(rules) for place, rules in found.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def slow_rules(self) -> list[Rule]:
        """Rules whose schema only the library can judge."""
        compiled = [one for versions in self._versions.values() for one in versions.all()]
        return [one.rule for one in compiled if not one.checked.is_quick]

    def rule_for(self, event: AnyEvent) -> Compiled | None:
        """The rule that an event has to keep to beside the common one; None when it is not planned."""
        found = self._versions.get
        if isinstance(event, Track):
            versions = found(("TRACK", event.event))
        elif isinstance(event, Identify):
            versions = found(("IDENTIFY", ""))
        elif isinstance(event, Group):
            versions = found(("GROUP", ""))
        elif isinstance(event, (Page, Screen)):
            kind, shown_as = VIEWED[type(event)]
            versions = found((kind, event.name or "")) or found((kind, "")) or found(("TRACK", shown_as))
        else:
            return None
        return None if versions is None else versions.of(event)

    def common_for(self, event: AnyEvent) -> Compiled | None:
        """The rule for every event, if there is one."""
        versions = self._versions.get(("COMMON", ""))
        return None if versions is None else versions.of(event)
