"""What would be sent? Runs a destination's `requests` without a network: for previews and for tests of destinations."""

from collections.abc import Generator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.delivery.classify import Endless
from router.delivery.sending.flow import MOST_REQUESTS
from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.destination import Destination
from router.plugins.request import AnswerMissing, NoAnswer, Request


class FirstRequest(Struct, frozen=True):
    """A request that would be sent whatever is answered."""

    request: Request
    events: Sequence[AnyEvent]
    """The events that it settles."""
    is_followed: bool = False
    """Whether more would be sent, which depends on the answer to it."""


def first_requests(destination: Destination[Any, Any], events: Sequence[AnyEvent]) -> list[FirstRequest]:
    """The requests up to the first answer that is used, of each flow in the batch.

    Raises what the plugin raises. A destination that delivers by itself describes nothing: the list is empty.
    """
    found: list[FirstRequest] = []
    rest = list(events)
    while rest and destination.speaks_http():
        part = _run(destination, tuple(rest), found)
        settled = {event.message_id for one in part for event in one.events}
        found += part
        left = [event for event in rest if event.message_id not in settled]
        if not part or not any(one.is_followed for one in part) or len(left) == len(rest):
            break  # it came to its end, or would not get further with fewer events
        rest = left
    return found


def _run(
    destination: Destination[Any, Any], events: Sequence[AnyEvent], before: Sequence[FirstRequest]
) -> list[FirstRequest]:
    described = destination.requests(events)
    found: list[FirstRequest] = []
    answers: list[NoAnswer] = []
    if not isinstance(described, Generator):
        return [_first(request, events) for request in described]
    answer: Any = None
    try:
        while len(before) + len(found) < MOST_REQUESTS:
            request = described.send(answer)
            found.append(_first(request, events))
            answer = NoAnswer()
            answers.append(answer)
    except StopIteration:
        return found
    except AnswerMissing as missing:
        at = next(index for index, one in enumerate(answers) if one is missing.answer)
        found[at] = replace(found[at], is_followed=True)
        return found
    finally:
        described.close()
    raise Endless(f"requests() of {destination.name!r} yields requests without end")


def _first(request: object, events: Sequence[AnyEvent]) -> FirstRequest:
    if not isinstance(request, Request):
        raise PluginError(f"requests() yielded {type(request).__name__} instead of a Request")
    return FirstRequest(request, events if request.settles is None else tuple(request.settles))
