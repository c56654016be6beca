"""The transformation `function`: Segment's insert functions, for what is kept and for what is sent.

It must return the event. Where it returns nothing the event goes no further, and neither does one of a type for which
there is no handler. One that mentions `fetch` is asked where it is waited for: in front of a destination when a batch
is sent, and for what is kept beside processing, which the event leaves meanwhile. Any other is called in passing.
"""

from collections.abc import Sequence
from typing import cast

import msgspec

from router.errors import PluginError, Rejected
from router.events.calls import AnyEvent, decode_event
from router.javascript.conversing import RETRIED, converse, judged
from router.javascript.digits import has_long_numbers, with_digits
from router.javascript.function_settings import FunctionSettings
from router.javascript.program import Ended
from router.plugins.dropped import Dropped
from router.plugins.outcome import Outcome
from router.plugins.transformation import Asking, Transformation

UNSUPPORTED = Dropped("unsupported_event_type")
NOTHING = Dropped("filtered_at_insert_function")
DROPPED = Dropped("dropped_by_function")
NO_FETCH = "fetch cannot be used here: the function does not name it, and so nobody sees that it asks others"
_SILENT = ("DropEvent", "EventNotSupported")
"""What a function throws to say that an event goes no further, which is nobody's fault."""
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
        self._handlers = {one: name for one in _TYPES if (name := f"on{one.__name__}") in handlers}
        self._has_batch = "onBatch" in handlers

    def asks(self) -> bool:
        """Whether it mentions `fetch` or `RetryError`."""
        return self.settings.may_ask

    def asks_together(self) -> bool:
        """Whether it has `onBatch`."""
        return self._has_batch

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
            if handler := self._handler(event, len(events)):
                by_handler.setdefault(handler, []).append(index)
        for handler, indexes in by_handler.items():
            some = [events[index] for index in indexes]
            results = self._batch(some) if handler == "onBatch" else self._single(handler, some)
            for index, result in zip(indexes, results, strict=True):
                made[index] = result
        return made

    def asking(self, events: Sequence[AnyEvent]) -> Asking:
        """The same, where what the function fetches is answered."""
        handler = self._handler(events[0], len(events))
        if not handler:
            return [UNSUPPORTED] * len(events)
        is_batch = handler == "onBatch"
        argument = _list(events) if is_batch else events[0].json
        said = yield from converse(self._program, handler, argument, None if is_batch else events)
        if said is None:
            return [Outcome.delivered()] * len(events)
        end, last = said.end, said.last
        made = self._batched(events, end) if is_batch else [self._made(events[0], end)]
        if _is_one_to_blame(made, end):  # the engine looks for the event whose fault it is
            raise Rejected(str(made[0]))
        if end.error is not None and end.error.name not in _SILENT:
            return [judged(end.error, end.console, last)] * len(events)
        return [_word(one) for one in made]

    def _handler(self, event: AnyEvent, count: int) -> str:
        """Who gets an event that comes with so many; nobody where there is no handler for it."""
        handler = self._handlers.get(type(event), "")
        return "onBatch" if self._has_batch and (count > 1 or not handler) else handler

    def _single(self, handler: str, events: Sequence[AnyEvent]) -> list[AnyEvent | Dropped | Exception]:
        stored = [event.json for event in events]
        ends = self._program.call_all(handler, stored)
        restores = has_long_numbers(b",".join(stored))
        pairs = zip(events, ends, strict=True)
        return [self._made(event, end, restores=restores) for event, end in pairs]

    def _batch(self, events: Sequence[AnyEvent]) -> list[AnyEvent | Dropped | Exception]:
        (end,) = self._program.call_all("onBatch", [_list(events)])
        made = self._batched(events, end)
        if _is_one_to_blame(made, end):  # one event must not cost the others
            middle = len(events) // 2
            made = [*self._batch(events[:middle]), *self._batch(events[middle:])]
        return made

    def _batched(self, events: Sequence[AnyEvent], end: Ended) -> list[AnyEvent | Dropped | Exception]:
        """What `onBatch` returns is matched by message id; by place where as many come back as went in."""
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

    def _made(self, event: AnyEvent, end: Ended, *, restores: bool = True) -> AnyEvent | Dropped | Exception:
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
            if restores and has_long_numbers(event.json):
                text = with_digits(event.json, text)
            return _decoded(text, event)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return PluginError(f"function {self.name!r} returned what is no event: {error}")


class _Id(msgspec.Struct):
    messageId: str = ""


def _list(events: Sequence[AnyEvent]) -> bytes:
    return b"[" + b",".join(event.json for event in events) + b"]"


def _is_one_to_blame(made: Sequence[object], end: Ended) -> bool:
    """Whether a batch went wrong as a whole, perhaps because of one of its events."""
    is_cut_off = end.error is not None and end.error.name in RETRIED
    return len(made) > 1 and not is_cut_off and all(isinstance(one, Exception) for one in made)


def _word(made: AnyEvent | Dropped | Exception) -> AnyEvent | Dropped | Outcome:
    return Outcome("rejected", "BAD_REQUEST", detail=str(made)) if isinstance(made, Exception) else made


_TYPES = cast("tuple[type[AnyEvent], ...]", AnyEvent.__args__)


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
