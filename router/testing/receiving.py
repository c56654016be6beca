"""What a webhook source makes of a vendor's request: the engine's own road, without a network or a router.

done = receive(configured(Shop), webhook_request({"id": 7}), answers=[answer(json={"total": 12.5})])
assert [call["event"] for call in done.calls] == ["Order Completed"]
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct, field

from router.assembly.trying import asked
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import Outgoing
from router.events.calls import decode_open_json
from router.ingestion.receiving import calls_of
from router.ingestion.source_calls import parts, read_part
from router.plugins.request import FORM, JSON, Answer
from router.plugins.webhook import WebhookRequest, WebhookSource
from router.rules.request import Limits
from router.testing.exchanging import Scripted, answer
from router.testing.sample import configured

RECEIVED_AT = 1_904_637_600_000
"""When requests of tests come: 2030-05-10T10:00:00Z."""


class Made(Struct):
    """What came of a request."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    """The calls that were taken, in order, as JSON has them."""
    refused: list[str] = field(default_factory=list)
    """The reason code of each call that was refused."""
    requests: list[Outgoing] = field(default_factory=list)
    """What it asked, each request as it left, with the values of its secrets."""


def webhook_request(
    json: Any = UNSET,
    *,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    query: str = "",
) -> WebhookRequest:
    """A vendor's request: JSON, a form, or a body of which the headers say what it is."""
    kind = JSON if form is None else FORM
    if json is not UNSET:
        body = msgspec.json.encode(json)
    elif form is not None:
        body = urlencode(form).encode()
    named = {"content-type": kind, **{name.lower(): value for name, value in (headers or {}).items()}}
    return WebhookRequest(body=body, headers=named, query=query, received_at=RECEIVED_AT, id="hook-1")


def receive(
    source: WebhookSource[Any] | type[WebhookSource[Any]],
    given: WebhookRequest,
    *,
    answers: Iterable[Scripted] = (),
) -> Made:
    """Run the source once; what it asks is answered as scripted, then with 200.

    What it raises is raised here, and so is RetryLater or Rejected where an answer ends the try. A class in place of an
    instance is used with its sample configuration.
    """
    instance = configured(source) if isinstance(source, type) else source
    made = Made()
    client = _Scripted(made, deque(answers))
    try:
        with ThreadPoolExecutor(1) as thread:  # the caller may have a running loop of its own
            thread.submit(asyncio.run, _run(instance, given, made, client)).result()
    finally:
        if isinstance(source, type):
            instance.close()
    return made


async def _run(source: WebhookSource[Any], given: WebhookRequest, made: Made, client: "_Scripted") -> None:
    ask = partial(asked, client, now=RECEIVED_AT / 1000)
    calls = await calls_of(source, given, call=lambda function, *arguments: function(*arguments), ask=ask)
    for part in parts(calls, Limits()):
        for received in read_part(part, Limits()):
            if received.calls:
                made.calls += decode_open_json(received.body)["batch"]
            made.refused += [one.reason for one in received.refused]


class _Scripted(HttpClient):
    """Answers from the script instead of the network."""

    def __init__(self, made: Made, script: deque[Scripted]) -> None:
        super().__init__()
        self._made = made
        self._script = script

    async def send(self, request: Outgoing) -> Answer:
        """Note the request and give the next answer."""
        scripted = self._script.popleft() if self._script else 200
        self._made.requests.append(request)
        if isinstance(scripted, Exception):
            raise scripted
        return answer(scripted, json={}) if isinstance(scripted, int) else scripted
