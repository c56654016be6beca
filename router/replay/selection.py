"""Which events a replay takes, and what is changed in them before they go out again."""

from collections.abc import Callable

import msgspec
from msgspec import Raw

from router.events.envelope import Envelope
from router.rules.addressee import Addressee
from router.rules.fql.filter import compile_filter
from router.rules.integrations import only
from router.storage.replays import Selection

Predicate = Callable[[Envelope], bool]
"""Says whether an event is meant."""


def predicate(selection: Selection) -> Predicate | None:
    """Compile a selection, cheap tests first; None when every event is meant. Raises ExpressionRefused."""
    tests = [test for test in _tests(selection) if test is not None]
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda envelope: all(test(envelope) for test in tests)


def _tests(selection: Selection) -> tuple[Predicate | None, ...]:
    sources, types = frozenset(selection.sources), frozenset(selection.types)
    events, users = frozenset(selection.events), frozenset(selection.users)
    condition = compile_filter(selection.filter).matches if selection.filter else None
    return (
        (lambda one: one.source in sources) if sources else None,
        (lambda one: one.event.type in types) if types else None,
        (lambda one: getattr(one.event, "event", None) in events) if events else None,
        (lambda one: one.event.user_id in users or one.event.anonymous_id in users) if users else None,
        (lambda one: condition(one.event)) if condition is not None else None,
    )


def readdressed(to: Addressee) -> Callable[[Envelope], Envelope]:
    """Have events go to this destination only: their `integrations` say so, everything else stays (rule 21)."""
    integrations = Raw(msgspec.json.encode(only(to)))
    return lambda envelope: envelope.replace_event(envelope.event.replace(integrations_json=integrations))
