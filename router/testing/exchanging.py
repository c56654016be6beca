"""What a destination sends for some events, and what becomes of them: the engine's own road, without a network.

done = exchange(configured(Chat, url="https://chat.example.com"), [track("Signed Up")], answers=[400])
assert done.body() == {"text": "Signed Up"}
assert done.outcomes == [Outcome.rejected("400")]
"""

import asyncio
import base64
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any

import msgspec
from msgspec import Struct, field

from router.delivery.sending.flow import plain
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import Outgoing
from router.delivery.sending.rate import RateLimit
from router.delivery.sending.secrecy import Secrecy
from router.delivery.sending.sender import Sender
from router.delivery.verdict import Judgement, Verdict
from router.errors import DeliveryError
from router.events.calls import AnyEvent
from router.plugins.auth import OAuth2
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.request import Answer, Request
from router.testing.clock import ManualClock
from router.testing.sample import configured

FILTERED = Outcome("filtered", "UNSUPPORTED_EVENT_TYPE")
"""The outcome of an event of a type that the destination does not take."""
TOKEN = Answer(200, {}, b'{"access_token":"token-1","token_type":"Bearer","expires_in":3600}')
"""What every token server answers here."""
Scripted = Answer | int | Exception
"""How a request is answered: in full, with a bare status, or not at all, e.g. `ConnectionResetError()`."""


class Exchange(Struct):
    """What was sent, what came back, and what follows for each event."""

    events: Sequence[AnyEvent]
    hide: Callable[[str], str]
    """Puts `***` in the place of the destination's secrets, and cuts what is very long."""
    requests: list[Outgoing] = field(default_factory=list)
    """Every request as it left, in order: encoded and signed, with the values of its secrets."""
    answers: list[Answer | Exception] = field(default_factory=list)
    """The answer to each request."""
    settled: list[Sequence[AnyEvent]] = field(default_factory=list)
    """The events that each request was about."""
    outcomes: list[Outcome] = field(default_factory=list)
    """One for each event: delivered, rejected, retry or filtered, with the reason as operators see it."""

    def body(self, number: int = 0) -> Any:
        """The decoded JSON of a request's body; of the first one unless told otherwise."""
        return msgspec.json.decode(self.requests[number].body)


def exchange(
    destination: Destination[Any, Any] | type[Destination[Any, Any]],
    events: Iterable[AnyEvent],
    *,
    answers: Iterable[Scripted] = (),
) -> Exchange:
    """Send `events` as the engine would, in batches of the destination's size, each answered as scripted, then 200.

    It is one attempt: what the engine does next, such as trying again or bisecting, is left out. What `requests`
    raises is raised here. A class in place of an instance is used with its sample configuration.
    """
    instance = copy(configured(destination) if isinstance(destination, type) else destination)
    done = Exchange(list(events), Secrecy(instance.settings).hide)
    with ThreadPoolExecutor(1) as thread:  # the caller may have a running loop of its own
        thread.submit(asyncio.run, _run(instance, done, deque(answers))).result()
    return done


def answer(
    status: int = 200, *, json: Any = None, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer of a service, for `answers`."""
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Answer(status, lower, body if json is None else msgspec.json.encode(json))


def token_url(destination: Destination[Any, Any]) -> str | None:
    """Where the destination's tokens come from, if it uses any."""
    auth = destination.auth()
    return auth.token_url if isinstance(auth, OAuth2) else None


def shown(request: Outgoing) -> dict[str, Any]:
    """A request as plain JSON for people: its body decoded if it is JSON, as text if it is text."""
    found: dict[str, Any] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    if request.body:
        found["body"] = readable(request.body)
    return found


def readable(body: bytes) -> Any:
    """A body as JSON, text, or base64."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


class _Scripted(HttpClient):
    """Answers from the script instead of the network."""

    def __init__(self, done: Exchange, script: deque[Scripted], token_url: str | None) -> None:
        super().__init__()
        self._token_url = token_url
        self._done = done
        self._script = script
        self.about: Sequence[AnyEvent] = ()
        """The events of the request that is sent next."""

    async def send(self, request: Outgoing) -> Answer:
        """Note the request and give the next answer; tokens are given unasked, and not noted."""
        if request.url == self._token_url:
            return TOKEN
        scripted = self._script.popleft() if self._script else 200
        reply = answer(scripted, json={}) if isinstance(scripted, int) else scripted
        self._done.requests.append(request)
        self._done.settled.append(self.about)
        self._done.answers.append(reply)
        if isinstance(reply, Exception):
            raise reply
        return reply


async def _run(destination: Destination[Any, Any], done: Exchange, script: deque[Scripted]) -> None:
    clock = ManualClock()
    http = _Scripted(done, script, token_url(destination))
    raised: list[Exception] = []
    if destination.speaks_http():
        _watch(destination, http, raised)
    sender = Sender(destination, http=http, rate=RateLimit(None, clock), clock=clock)
    taken = [one for one in done.events if isinstance(one, destination.event_types())]
    outcomes: dict[int, Outcome] = {}
    try:
        for start in range(0, len(taken), size := max(1, destination.batching.max_events)):
            batch = taken[start : start + size]
            attempt = await sender.attempt(batch)
            if raised:
                raise raised[0]
            verdicts = attempt.each or [attempt.verdict] * len(batch)
            outcomes.update(zip(map(id, batch), map(_outcome, verdicts), strict=True))
    finally:
        await sender.close()
    done.outcomes = [outcomes.get(id(event), FILTERED) for event in done.events]


def _outcome(verdict: Verdict | None) -> Outcome:
    if verdict is None:
        return Outcome.retry("NOT_TRIED")
    if verdict.judgement is Judgement.DELIVERED:
        return Outcome.delivered()
    if verdict.judgement in (Judgement.REFUSED, Judgement.TOO_LARGE):
        return Outcome.rejected(verdict.code)
    return Outcome.retry(verdict.code, verdict.after)


def _watch(destination: Destination[Any, Any], http: _Scripted, raised: list[Exception]) -> None:
    """Note which events each request is about, and what `requests` raises by mistake: the engine would try again."""
    original = destination.requests

    def requests(events: Sequence[AnyEvent]) -> Any:
        with _Noting(raised):
            described = original(events)
        if not isinstance(described, (Generator, list, tuple)):
            return described  # the sender says what is wrong with it
        return _watched(described, events, http, raised)

    destination.requests = requests  # type: ignore[method-assign]


def _watched(
    described: Requests | Sequence[Request],
    events: Sequence[AnyEvent],
    http: _Scripted,
    raised: list[Exception],
) -> Requests:
    flow = described if isinstance(described, Generator) else plain(described)
    try:
        request = _step(flow, None, raised)
        while not isinstance(request, _End):
            settles = getattr(request, "settles", None)
            http.about = events if settles is None else settles
            request = _step(flow, (yield request), raised)
        return request.outcomes
    finally:
        flow.close()


def _step(flow: Requests, answer: Answer | None, raised: list[Exception]) -> "Request | _End":
    with _Noting(raised):
        try:
            return next(flow) if answer is None else flow.send(answer)
        except StopIteration as end:
            return _End(end.value)


class _End(Struct):
    """How a generator ended."""

    outcomes: Sequence[Outcome] | None


class _Noting:
    """Notes an exception that is not an author's word."""

    def __init__(self, raised: list[Exception]) -> None:
        self._raised = raised

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, DeliveryError):
            self._raised.append(error)
