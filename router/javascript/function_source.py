"""The source `function`: Segment's source functions, written in JavaScript, as they are.

`onRequest(request, settings)` is run for each request of a vendor; what it says to `Segment` are the calls. `fetch` is
sent by the engine, and the answer goes back into the function, a 500 as well. Where there is no answer at all, the
request is tried again later; the function is not asked.
"""

from collections.abc import Generator, Sequence
from importlib import resources
from typing import ClassVar

import msgspec
from msgspec import Raw

from router.errors import Rejected, RetryLater
from router.javascript.conversing import converse, judged
from router.javascript.function_settings import FunctionSettings
from router.plugins.request import Answer, Request
from router.plugins.settings import Duration
from router.plugins.source import Call
from router.plugins.webhook import WebhookRequest, WebhookSource

LONGEST_SECONDS = 60.0
ADDRESS = "https://functions.invalid/"
"""Where a function believes that it was called: its real address holds the key, which is none of its business."""


class SourceFunctionSettings(FunctionSettings, frozen=True):
    """Which function, with what settings and limits."""

    handlers: ClassVar[Sequence[str]] = ("onRequest",)
    around: ClassVar[str] = (
        resources.files("router.javascript").joinpath("source.js").read_text(encoding="utf-8")
    )

    timeout: Duration = Duration(5)
    """How long a run may take in all, with everything that it fetches; at most 60 s."""

    def __post_init__(self) -> None:
        """Refuse what cannot be loaded, with the line and the column."""
        if not 0 < self.timeout <= LONGEST_SECONDS:
            raise ValueError(f"timeout = {self.timeout:g} s is not within 0 s and {LONGEST_SECONDS:g} s")
        super().__post_init__()


class FunctionSource(WebhookSource[SourceFunctionSettings]):
    """Run Segment's source functions, written in JavaScript, on a vendor's requests."""

    kind = "function"
    sample = """\
write_key = "env:SHOP_HOOK_KEY"
settings.code = '''
async function onRequest(request, settings) {
  const order = request.json();
  Segment.track({ event: "Order Completed", userId: order.customer, properties: { total: order.total } });
}
'''
"""

    def __init__(self, settings: SourceFunctionSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        self._program = settings.program()

    def close(self) -> None:
        """Give back what the function holds."""
        self._program.close()

    def limit(self) -> float:
        """Seconds that one try may take."""
        return float(self.settings.timeout)

    def receive(self, request: WebhookRequest) -> Generator[Request | Call, Answer, None]:
        """Call `onRequest`, and yield what it fetches and then the calls that it made."""
        said = yield from converse(self._program, "onRequest", _argument(request), None)
        assert said is not None  # where there is no answer, the engine ends the try
        error = said.end.error
        if error is None:
            for call in msgspec.json.decode(said.end.value or b"[]", type=list[Raw]):
                yield bytes(call)
            return
        outcome = judged(error, said.end.console, said.last)
        if outcome.verdict == "retry":
            raise RetryLater(outcome.reason, after=outcome.after, detail=outcome.detail)
        raise Rejected(outcome.reason, detail=outcome.detail)


def _argument(request: WebhookRequest) -> bytes:
    query = f"?{request.query}" if request.query else ""
    given = {
        "body": request.body.decode(errors="replace"),
        "headers": request.headers,
        "url": ADDRESS + query,
        "isForm": request.is_form,
    }
    return msgspec.json.encode(given)
