"""Triggers stand between a destination's transformations and its insert functions (protocols 1, steps 11 to 13)."""

from router.delivery.routing import NO_MATCHING_MAPPING, Route
from router.delivery.terms import Terms
from router.events.calls import AnyEvent, Track
from router.events.envelope import Envelope
from router.javascript.function_settings import FunctionSettings
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.chain import Chain
from router.testing.events import track

RENAMES = "function onTrack(event) { event.event = 'B'; return event }"


def chain() -> Chain:
    """An insert function that renames whatever it gets."""
    return Chain([FunctionTransformation(FunctionSettings(code=RENAMES), name="rename")])


def is_b(event: AnyEvent) -> bool:
    """The trigger."""
    return isinstance(event, Track) and event.event == "B"


def arrived(terms: Terms) -> tuple[list[str], list[str]]:
    """Names of what the destination gets of an event A, and why it does not."""
    routed = Route(terms, [Track], is_b).divide([Envelope(0, "website", track("A"), 0)])
    return [one.event.event for one in routed.taken if isinstance(one.event, Track)], [
        reason for _, reason in routed.filtered
    ]


def test_protocols_26_an_event_that_only_an_insert_function_would_make_match_never_reaches_it() -> None:
    assert arrived(Terms(insert=chain())) == ([], [NO_MATCHING_MAPPING])


def test_what_transformations_make_of_an_event_is_what_triggers_look_at() -> None:
    assert arrived(Terms(chain=chain())) == (["B"], [])


def test_functions_are_insert_functions() -> None:
    assert FunctionTransformation.is_insert_function
