"""Which events of the stream a destination takes, and as what: the one place where that is decided (events 5.3).

    source ─▶ type ─▶ device mode ─▶ consent ─▶ integrations object ─▶ the source's integration filter
           ─▶ `filter` and destination filters ─▶ transformations ─▶ triggers ─▶ insert functions

Each step is a pure rule; here they stand in their order, each with its reason code. What says nothing, which is what
nearly every event says, is seen at a glance for a whole batch. A rule that raises keeps its event back: what was meant
to protect must not let through.

An insert function that asks others (`fetch`) is not run here: `inserting` does that when a batch is sent, because only
this destination may wait for an answer.

Everything behind this point sees events as filters and transformations leave them: batches, order keys, dead letters.
The stream keeps them as they were, so an event that is read again, because it was parked, is formed `again`. Whether
it goes was decided the first time and is not asked again: a filter that is added later does not undo it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from router.delivery.terms import Accepts, Terms
from router.delivery.transforming import transform
from router.delivery.verdict import Judgement, Verdict
from router.events.calls import EMPTY_OBJECT, AnyEvent
from router.events.envelope import Envelope
from router.rules.consent import Consent
from router.rules.device_mode import DeviceMode
from router.rules.integrations import Integrations
from router.rules.schema_filter import SchemaFilter

UNSUPPORTED_EVENT_TYPE = "UNSUPPORTED_EVENT_TYPE"
MESSAGE_SENT_CLIENT_SIDE = "MESSAGE_SENT_CLIENT_SIDE"
FILTERED_BY_END_USER_CONSENT = "FILTERED_BY_END_USER_CONSENT"
FILTERED_BY_INTEGRATIONS_OBJECT = "FILTERED_BY_INTEGRATIONS_OBJECT"
FILTERED_BY_RULES = "FILTERED_BY_RULES"
INVALID_FQL = f"{FILTERED_BY_RULES}:invalid_fql"
"""The same code with a note behind it: no filter wanted the event dropped, but one could not be evaluated."""
NO_MATCHING_MAPPING = "NO_MATCHING_MAPPING"

Filtered = list[tuple[Envelope, str]]
GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")


class Routed(Struct, frozen=True):
    """A piece of the stream, divided."""

    taken: Sequence[Envelope]
    """Events that the destination gets, in the form in which it gets them."""
    filtered: Sequence[tuple[Envelope, str]] = ()
    """Events that end here, each with its reason code."""
    unconnected: Sequence[Envelope] = ()
    """Events of sources that are not connected; they are no events of this destination and are not counted."""
    broken: Sequence[tuple[Envelope, Verdict]] = ()
    """Events that cannot be formed."""


class Route:
    """Divides the stream for one destination."""

    def __init__(self, terms: Terms, types: Iterable[type[AnyEvent]], wants: Accepts | None = None) -> None:
        """`types` is what the destination supports, and `wants` are its own triggers."""
        to = terms.to
        self._terms = terms
        self._types = frozenset(types)
        self._takes_every_type = self._types >= frozenset(AnyEvent.__args__)
        self._wants = None if wants is None else _unless_it_raises(wants)
        self._device_mode = DeviceMode(to, terms.siblings)
        self._consent = Consent(to, terms.categories) if terms.categories else None
        self._integrations = Integrations(to)
        self._schema = SchemaFilter(to, terms.switched_off) if terms.switched_off else None
        self._looks_closely = bool(terms.categories or terms.switched_off) or not to.is_enabled

    def divide(self, envelopes: Sequence[Envelope]) -> Routed:
        """Divide `envelopes`, which stay in order."""
        types, sources = self._types, self._terms.sources
        taken = envelopes
        filtered: Filtered = []
        unconnected: Sequence[Envelope] = ()
        if sources is not None:
            taken = [one for one in envelopes if one.source in sources]
            unconnected = [one for one in envelopes if one.source not in sources]
        if not self._takes_every_type:
            filtered = [(one, UNSUPPORTED_EVENT_TYPE) for one in taken if type(one.event) not in types]
            taken = [one for one in taken if type(one.event) in types]
        taken = self._addressed(taken, filtered)
        taken = self._by_rules(taken, filtered)
        transformed = transform(self._terms.chain, taken)
        taken = transformed.taken
        filtered += transformed.filtered
        if (wants := self._wants) is not None:
            taken = _divided(taken, [wants(one.event) for one in taken], NO_MATCHING_MAPPING, filtered)
        inserted = transform(self._terms.insert, taken)
        filtered += inserted.filtered
        return Routed(inserted.taken, filtered, unconnected, [*transformed.broken, *inserted.broken])

    def again(self, envelopes: Sequence[Envelope]) -> Routed:
        """Form events again that were taken before; one that cannot be is broken, and nothing is filtered."""
        made: list[Envelope] = []
        ends: Filtered = []
        for envelope, formed in zip(envelopes, _each(self._formed, envelopes, failed=None), strict=True):
            if formed is None:
                ends.append((envelope, INVALID_FQL))
            else:
                made.append(formed)
        transformed = transform(self._terms.chain, made)
        inserted = transform(self._terms.insert, transformed.taken)
        ends += [*transformed.filtered, *inserted.filtered]
        broken = [(envelope, Verdict(Judgement.REFUSED, reason)) for envelope, reason in ends]
        return Routed(inserted.taken, broken=[*transformed.broken, *inserted.broken, *broken])

    # --- steps ----------------------------------------------------------------------------------------

    def _addressed(self, envelopes: Sequence[Envelope], filtered: Filtered) -> Sequence[Envelope]:
        """Those that are meant for the destination, by what they say themselves."""
        closely = envelopes
        if not self._looks_closely:
            harmless = self._device_mode.harmless
            closely = [
                one
                for one in envelopes
                if one.metadata != harmless or one.event.integrations_json != EMPTY_OBJECT
            ]
        if not closely:
            return envelopes
        refusals = _each(self._refusal, closely, failed=FILTERED_BY_RULES)
        reasons = {one.position: reason for one, reason in zip(closely, refusals, strict=True) if reason}
        if not reasons:
            return envelopes
        filtered += [(one, reasons[one.position]) for one in envelopes if one.position in reasons]
        return [one for one in envelopes if one.position not in reasons]

    def _refusal(self, envelope: Envelope) -> str:
        event, metadata = envelope.event, envelope.metadata
        if metadata != self._device_mode.harmless and self._device_mode.has_sent(event, metadata):
            return MESSAGE_SENT_CLIENT_SIDE
        if self._consent is not None and not self._consent.allows(event):
            return FILTERED_BY_END_USER_CONSENT
        if not self._integrations.allow(event):
            return FILTERED_BY_INTEGRATIONS_OBJECT
        if self._schema is not None and not self._schema.allows(envelope):
            return FILTERED_BY_INTEGRATIONS_OBJECT
        return ""

    def _by_rules(self, envelopes: Sequence[Envelope], filtered: Filtered) -> Sequence[Envelope]:
        """Those that filters let through, without the fields that they remove."""
        terms, taken = self._terms, envelopes
        if terms.accepts is not None:
            accepts = terms.accepts
            try:
                wanted = [accepts(one.event) for one in taken]
            except Exception:  # noqa: BLE001 - whose fault it is shows when they are asked one by one
                taken, wanted = _judged(lambda one: accepts(one.event), taken, filtered)
            taken = _divided(taken, wanted, FILTERED_BY_RULES, filtered)
        if terms.filters is not None:
            try:
                made = terms.filters.apply_all(taken)
            except Exception:  # noqa: BLE001 - as above
                taken, made = _judged(terms.filters.apply, taken, filtered)
            kept = [one for one in made if one is not None]
            if len(kept) < len(made):
                _divided(taken, [one is not None for one in made], FILTERED_BY_RULES, filtered)
            taken = kept
        return taken

    def _formed(self, envelope: Envelope) -> Envelope | None:
        filters = self._terms.filters
        return envelope if filters is None else filters.shorten(envelope)


def _each(decide: Callable[[GivenT], MadeT], given: Sequence[GivenT], *, failed: MadeT) -> list[MadeT]:
    """What is decided of each; where that raises, `failed`. Deciding is pure, so it may be done twice."""
    try:
        return [decide(one) for one in given]
    except Exception:  # noqa: BLE001 - whose fault it is shows when they are asked one by one
        return [_or(decide, one, failed) for one in given]


def _judged(
    judge: Callable[[Envelope], MadeT], envelopes: Sequence[Envelope], filtered: Filtered
) -> tuple[list[Envelope], list[MadeT]]:
    """The events that a filter can judge, and what it says of each; the others are filtered with a note."""
    judged: list[Envelope] = []
    made: list[MadeT] = []
    for one in envelopes:
        try:
            made.append(judge(one))
        except Exception:  # noqa: BLE001 - what is meant to protect must not let through
            filtered.append((one, INVALID_FQL))
        else:
            judged.append(one)
    return judged, made


def _or(decide: Callable[[GivenT], MadeT], one: GivenT, failed: MadeT) -> MadeT:
    try:
        return decide(one)
    except Exception:  # noqa: BLE001 - what is meant to protect must not let through, whatever it stumbles over
        return failed


def _unless_it_raises(wants: Accepts) -> Accepts:
    """A plugin's triggers, which may raise anything: then the event is taken, and fails by itself."""

    def choose(event: AnyEvent) -> bool:
        try:
            return wants(event)
        except Exception:  # noqa: BLE001 - what the plugin then does with the event is judged
            return True

    return choose


def _divided(
    envelopes: Sequence[Envelope], wanted: Sequence[bool], reason: str, filtered: Filtered
) -> Sequence[Envelope]:
    if all(wanted):
        return envelopes
    pairs = list(zip(envelopes, wanted, strict=True))
    filtered += [(one, reason) for one, is_wanted in pairs if not is_wanted]
    return [one for one, is_wanted in pairs if is_wanted]
