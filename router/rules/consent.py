"""Whether the end user consents to a destination (events 6, protocols 5).

    no `context.consent.categoryPreferences`  → nothing is enforced
    a destination in no enabled category      → goes on
    otherwise                                 → only if every enabled category of it is `true` in the event

`{}` means that everything is refused. Storage is exempt, and where triggers choose the events, the one that tells of
changed consent goes on whatever it says, so that the service learns of a withdrawal.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from router.events.calls import AnyEvent, Track
from router.rules.addressee import Addressee
from router.rules.ingest import CONSENT_EVENT

ID = re.compile(r"(?![0-9]).{1,34}", re.DOTALL)
"""An id of a category: fewer than 35 characters, and no digit at its start; upper and lower case differ."""
_SIGN = b"categoryPreferences"


class Category(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[consent.categories.ID]`: what an end user may consent to."""

    name: str = ""
    """What people call it; by default its id."""
    destinations: tuple[str, ...] = ()
    """Who needs this consent: the name of a destination's section, or the name or kind of a service for every
    destination of it."""
    enabled: bool = True
    """Whether it counts; what a disabled category says of destinations is ignored."""


def categories_of(to: Addressee, categories: Mapping[str, Category]) -> frozenset[str]:
    """The enabled categories that the destination needs; none for storage."""
    if to.is_storage:
        return frozenset()
    return frozenset(id for id, one in categories.items() if one.enabled and to.is_named(one.destinations))


def preferences(event: AnyEvent) -> Mapping[str, Any] | None:
    """What the end user chose; None when the event does not say."""
    context = bytes(event.context_json)
    # `find`, for `in` raises and catches an error inside; and a name can also be written with escapes.
    if context.find(_SIGN) < 0 and context.find(b"\\") < 0:
        return None
    consent = event.context.get("consent")
    found = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    return found if isinstance(found, dict) else None


def consents(chosen: Mapping[str, Any] | None, categories: Iterable[str]) -> bool:
    """Whether these preferences let an event go to a destination of these categories."""
    return chosen is None or all(chosen.get(one) is True for one in categories)


class Consent:
    """Answers for one destination that needs consent, event by event."""

    def __init__(self, to: Addressee, categories: frozenset[str]) -> None:
        self._categories = categories
        self._is_told = to.is_told_of_consent

    def allows(self, event: AnyEvent) -> bool:
        """Whether the event may go there."""
        chosen = preferences(event)
        if chosen is None or consents(chosen, self._categories):
            return True
        return self._is_told and type(event) is Track and event.event == CONSENT_EVENT
