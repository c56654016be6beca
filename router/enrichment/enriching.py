"""The step that adds to `context` what the router knows: only members that the sender left out, all in one splice.

Nothing is looked up twice: the events of one request often share their context, those of one page or app session have
the same bytes, and of what is left each enricher remembers its answers.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from msgspec import Raw, Struct

from router.enrichment.answers import Answers
from router.enrichment.processing import Aside
from router.events.calls import AnyEvent
from router.events.wire import ABSENT
from router.rules.merge import add_members

REMEMBERED = 2048
"""Most whole contexts whose enriched form is kept."""
LARGEST = 2048
"""A context of more bytes than this is not kept."""

_members = msgspec.json.Decoder(dict[str, Raw]).decode


class _Enriched(Struct, frozen=True, gc=False):
    """What becomes of a context."""

    context: Raw | None = None
    """None where there is nothing to add."""
    failed: tuple[str, ...] = ()
    """Kinds of the enrichers that raised."""


class Enriching:
    """All enrichers of one source as one step; where two add the same member, the first one's is taken."""

    def __init__(self, enrichers: Iterable[Answers]) -> None:
        self._enrichers = tuple(enrichers)
        self._remembered = lru_cache(REMEMBERED)(self._enriched)
        self._last: tuple[Raw, _Enriched] = (ABSENT, _Enriched())

    def __call__(self, event: AnyEvent, aside: Aside) -> AnyEvent:
        """The event with what could be added; the very same one where that is nothing."""
        given = event.context_json
        last, found = self._last
        if given is not last:
            text = bytes(given)
            found = self._remembered(text) if len(text) <= LARGEST else self._enriched(text)
            self._last = (given, found)
        for kind in found.failed:
            aside.counts["enrichment_failed", aside.source, kind] += 1
        return event if found.context is None else event.replace(context_json=found.context)

    def _enriched(self, context: bytes) -> _Enriched:
        try:
            members = _members(context)
        except msgspec.DecodeError:  # no object: there is nothing to add to
            return _Enriched()
        added, failed = [], []
        for answers in self._enrichers:
            for name in answers.adds:
                if name not in members:
                    break
            else:
                continue
            answer = answers.find(members)
            for name, text in answer.members:
                if name not in members:
                    members[name] = ABSENT  # taken, and nothing that another one could read
                    added.append(text)
            if answer.is_failed:
                failed.append(answers.kind)
        made = Raw(add_members(context, b",".join(added))) if added else None
        return _Enriched(made, tuple(failed))
