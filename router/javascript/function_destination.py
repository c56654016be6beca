"""The destination `function`: Segment's destination functions, written in JavaScript, as they are.

`fetch` in a function becomes a request of this destination: the engine sends it, and whatever is answered goes back
into the function, a 500 as well, for a function looks at the status itself. Where there is no answer at all, the
engine tries again; the function is not asked, and of a batch the others go on.
"""

from collections.abc import Generator, Sequence
from typing import Any, cast

import msgspec

from router.errors import Rejected
from router.events.calls import AnyEvent
from router.javascript.conversing import RETRIED, Said, converse, judged
from router.javascript.function_settings import FunctionSettings
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching
from router.plugins.request import Answer, Request

_TYPES = cast("tuple[type[AnyEvent], ...]", AnyEvent.__args__)


class _Result(msgspec.Struct):
    """What `onBatch` says of one event."""

    status: int = 200
    errormessage: Any = ""


class FunctionDestination(Destination[FunctionSettings, AnyEvent]):
    """Run Segment's destination functions, written in JavaScript.

    track, identify, page, screen, group, alias: each is given to its handler, e.g. onTrack(event, settings); what
    the handler fetches is sent. Several together are given to onBatch(events, settings), if there is one, and so is
    an event without a handler; where there is no onBatch either it is filtered as UNSUPPORTED_EVENT_TYPE.
    """

    kind = "function"
    sample = """\
settings.code = '''
async function onBatch(events, settings) {
  const response = await fetch("https://crm.example.com/events", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Key": settings.apiKey },
    body: JSON.stringify(events),
  });
  if ([401, 403, 404, 408, 429].includes(response.status) || response.status >= 500)
    throw new RetryError(`the service answered ${response.status}`);
  if (!response.ok) throw new ValidationError(`the service answered ${response.status}`);
}
'''
settings.secrets.apiKey = "env:CRM_KEY"
"""
    batching = Batching(max_events=20)

    def __init__(self, settings: FunctionSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        self._program = settings.program()
        handlers = self._program.handlers
        self._batches = "onBatch" in handlers
        self._handlers = {one: name for one in _TYPES if (name := f"on{one.__name__}") in handlers}
        types = _TYPES if self._batches else tuple(self._handlers)
        self.event_types = lambda: types  # type: ignore[method-assign]  # it is the function that knows

    async def close(self) -> None:
        """Give back what the function holds."""
        self._program.close()

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """Call the function for each event, or for all of them, and send what it fetches."""
        outcomes: list[Outcome] = []
        if self._batches and (len(events) > 1 or type(events[0]) not in self._handlers):
            text = b"[" + b",".join(event.json for event in events) + b"]"
            outcomes = yield from self._call("onBatch", text, events, None)
        else:
            for event in events:
                outcomes += yield from self._call(self._handlers[type(event)], event.json, [event], [event])
        return outcomes

    def _call(
        self, handler: str, argument: bytes, events: Sequence[AnyEvent], settles: Sequence[AnyEvent] | None
    ) -> Generator[Request, Answer, list[Outcome]]:
        said = yield from converse(self._program, handler, argument, settles)
        if said is None:
            return [Outcome.delivered()] * len(events)
        return _judged(said, len(events), is_batch=handler == "onBatch")


def _judged(said: Said, count: int, *, is_batch: bool) -> list[Outcome]:
    end = said.end
    if end.error is not None and count > 1 and end.error.name not in RETRIED:
        # the engine looks for the event whose fault it is
        raise Rejected(f"{end.error}\n{end.console}".strip())
    if end.error is not None:
        return [judged(end.error, end.console, said.last)] * count
    if end.value is None or not is_batch:
        return [Outcome.delivered()] * count
    try:
        results = msgspec.json.decode(end.value, type=list[_Result])
    except msgspec.ValidationError:
        return [Outcome.delivered()] * count  # it says nothing of single events
    if len(results) != count:
        wrong = f"onBatch returned {len(results)} results for {count} events"
        return [Outcome("rejected", "BAD_REQUEST", detail=wrong)] * count
    return [_result(one) for one in results]


def _result(one: _Result) -> Outcome:
    if 200 <= one.status < 300:
        return Outcome.delivered()
    verdict = "retry" if one.status >= 500 or one.status in (408, 429) else "rejected"
    return Outcome(verdict, str(one.status), detail=str(one.errormessage))
