"""What becomes of events that differ from their plan: the settings of a source.

They mean what the Public API's settings of the same thing mean:

    track.unplanned_events = "block"        allowUnplannedEvents: false
    track.unplanned_properties = "omit"     allowUnplannedEventProperties: false
    track.violations = "block"              allowEventOnViolations: false
    track.violations = "omit"               allowPropertiesOnViolations: false
    track.common = "block" | "omit"         commonEventOnViolations: BLOCK | OMIT_PROPERTIES
    identify.unplanned_traits = "omit"      allowUnplannedTraits: false (the same for group)
    identify.violations = "omit"            allowTraitsOnViolations: false
    identify.common = "block" | "omit"      commonEventOnViolations: BLOCK | OMIT_TRAITS
    forward_blocked_to, forward_violations_to
                                            forwardingBlockedEventsTo, forwardingViolationsTo
"""

from typing import Literal

from msgspec import Struct

AllowBlock = Literal["allow", "block"]
AllowOmit = Literal["allow", "omit"]
AllowOmitBlock = Literal["allow", "omit", "block"]


class TrackEnforcement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of track calls, and of page and screen calls that have a rule."""

    unplanned_events: AllowBlock = "allow"
    """Track calls whose exact name has no rule: "allow" (the default) or "block"."""
    unplanned_properties: AllowOmit = "allow"
    """Properties that the rule does not name, at any depth: "allow" (the default) or "omit"."""
    violations: AllowOmitBlock = "allow"
    """Calls that break the schema of their rule: "allow" (the default), "omit" the properties that do, or "block"."""
    common: AllowOmitBlock = "allow"
    """Calls that break the common schema: "allow" (the default), "omit" the properties that do, or "block"."""


class TraitEnforcement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of identify or group calls."""

    unplanned_traits: AllowOmit = "allow"
    """Traits that the rule does not name, at any depth: "allow" (the default) or "omit"."""
    violations: AllowOmit = "allow"
    """Traits that break the schema of the rule: "allow" (the default) or "omit"."""
    common: AllowOmitBlock = "allow"
    """Calls that break the common schema: "allow" (the default), "omit" the traits that do, or "block"."""


class Enforcement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of one source. By default every event passes, and what is wrong is written into it."""

    track: TrackEnforcement = TrackEnforcement()
    """Track, page and screen calls."""
    identify: TraitEnforcement = TraitEnforcement()
    """Identify calls."""
    group: TraitEnforcement = TraitEnforcement()
    """Group calls."""
    forward_blocked_to: str | None = None
    """The source on which events that were blocked appear whole; they are not judged again."""
    forward_violations_to: str | None = None
    """The source on which each violation appears as a track call, `Violation Generated`."""


class Treatment(Struct, frozen=True):
    """The settings for one type of event, in words that fit all types."""

    blocks_unplanned: bool = False
    omits_unplanned: bool = False
    violations: AllowOmitBlock = "allow"
    common: AllowOmitBlock = "allow"


def treatments(enforcement: Enforcement) -> dict[str, Treatment]:
    """The treatment of each type of event that has one."""
    track, found = enforcement.track, {}
    for kind in ("track", "page", "screen"):
        found[kind] = Treatment(
            blocks_unplanned=kind == "track" and track.unplanned_events == "block",
            omits_unplanned=track.unplanned_properties == "omit",
            violations=track.violations,
            common=track.common,
        )
    for kind, one in (("identify", enforcement.identify), ("group", enforcement.group)):
        found[kind] = Treatment(
            omits_unplanned=one.unplanned_traits == "omit", violations=one.violations, common=one.common
        )
    return found
