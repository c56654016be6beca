"""The transformation `function`: Segment's insert functions, for what is kept and for what is sent.

It must return the event. Where it returns nothing the event goes no further, and neither does one of a type for which
there is no handler. It waits for nothing, so it has no `fetch`.
"""

from collections.abc import Sequence

import msgspec

from router.errors import PluginError
from router.events.calls import AnyEvent, decode_event
from router.javascript.digits import has_long_numbers, with_digits
from router.javascript.function_settings import FunctionSettings
from router.javascript.program import Ended
from router.plugins.dropped import Dropped
from router.plugins.transformation import Transformation

UNSUPPORTED = Dropped("unsupported_event_type")
NOTHING = Dropped("filtered_at_insert_function")
DROPPED = Dropped("dropped_by_function")
NO_FETCH = (
    "fetch cannot be used here: nothing may wait on the way of an event; use it in a destination function"
)
_NEEDED = ("type", "messageId", "receivedAt", "timestamp")


class FunctionTransformation(Transformation[FunctionSettings, AnyEvent]):
    """Run Segment's insert functions, written in JavaScript, on events before they are kept or sent."""

    kind = "function"
    is_bounded = True
    is_insert_function = True
    sample = """\
sources = ["website"]
settings.code = '''
function onTrack(event, settings) {
  event.properties.seen = true;
  return event;
}
'''
"""

    def __init__(self, settings: FunctionSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        self._program = settings.program(fetch_refused=NO_FETCH)
        handlers = self._program.handlers
        self._handlers = {kind: f"on{kind.title()}" for kind in _TYPES if f"on{kind.title()}" in handlers}
        self._has_batch = "onBatch" in handlers

    def transform(self, event: AnyEvent) -> AnyEvent | Dropped:
        """The event that the function returns, or why there is none."""
        (made,) = self.transform_all([event])
        if isinstance(made, Exception):
            raise made
        return made

    def transform_all(self, events: Sequence[AnyEvent]) -> Sequence[AnyEvent | Dropped | Exception]:
        """The same for many events, in one call for all of a type, or of `onBatch` where there is one."""
        made: list[AnyEvent | Dropped | Exception] = [UNSUPPORTED] * len(events)
        by_handler: dict[str, list[int]] = {}
        for index, event in enumerate(events):
            handler = self._handlers.get(event.type, "onBatch")
            if self._has_batch and (len(events) > 1 or handler == "onBatch"):
                by_handler.setdefault("onBatch", []).append(index)
            elif handler != "onBatch":
                by_handler.setdefault(handler, []).append(index)
        for handler, indexes in by_handler.items():
            some = [events[index] for index in indexes]
            results = self._batch(some) if handler == "onBatch" else self._single(handler, some)
            for index, result in zip(indexes, results, strict=True):
                made[index] = result
        return made

    def _single(self, handler: str, events: Sequence[AnyEvent]) -> list[AnyEvent | Dropped | Exception]:
        ends = self._program.call_all(handler, [event.json for event in events])
        return [self._made(event, end) for event, end in zip(events, ends, strict=True)]

    def _batch(self, events: Sequence[AnyEvent]) -> list[AnyEvent | Dropped | Exception]:
        """What `onBatch` returns is matched by message id; by place where as many come back as went in."""
        text = b"[" + b",".join(event.json for event in events) + b"]"
        (end,) = self._program.call_all("onBatch", [text])
        if end.error is not None or end.value is None:
            return [self._made(event, end) for event in events]
        try:
            returned = msgspec.json.decode(end.value, type=list[msgspec.Raw])
            ids = [msgspec.json.decode(one, type=_Id).messageId for one in returned]
        except msgspec.ValidationError:
            return [PluginError(f"function {self.name!r}: onBatch returned no list of events")] * len(events)
        by_id = dict(zip(ids, returned, strict=True))
        if len(returned) == len(events) and not all(event.message_id in by_id for event in events):
            by_id = {event.message_id: one for event, one in zip(events, returned, strict=True)}
        found = [by_id.get(event.message_id) for event in events]
        return [self._made(event, Ended(value=one)) for event, one in zip(events, found, strict=True)]

    def _made(self, event: AnyEvent, end: Ended) -> AnyEvent | Dropped | Exception:
        if end.error is not None:
            if end.error.name == "DropEvent":
                return DROPPED
            if end.error.name == "EventNotSupported":
                return UNSUPPORTED
            console = f"\n{end.console}" if end.console else ""
            return PluginError(f"function {self.name!r}: {end.error}{console}")
        if end.value is None:
            return NOTHING
        text = bytes(end.value)
        try:
            if has_long_numbers(event.json):
                text = with_digits(event.json, text)
            return _decoded(text, event)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return PluginError(f"function {self.name!r} returned what is no event: {error}")


class _Id(msgspec.Struct):
    messageId: str = ""


_TYPES = ("track", "identify", "page", "screen", "group", "alias")


def _decoded(text: bytes, event: AnyEvent) -> AnyEvent:
    """The event in `text`; what the engine needs and the function took away is put back."""
    try:
        return decode_event(text)
    except msgspec.ValidationError:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        before = msgspec.json.decode(event.json, type=dict[str, msgspec.Raw])
        back = {name: before[name] for name in _NEEDED if name in before and name not in members}
        if not back:
            raise
        return decode_event(msgspec.json.encode({**members, **back}))
