"""Examples of functions and transformations: an event or a request, what is expected, and what becomes of it.

    [[examples]]
    name = "an order gets its revenue"
    event = { type = "track", event = "Order", properties = { total = "12.5" } }
    expect = { properties = { revenue = 12.5 } }

They stand in `[[transformations.NAME.examples]]`, or beside a function: `functions/crm.test.toml` (or `.json`) holds
those of `functions/crm.js`. Those of a source say `request` instead of `event`, and `calls`. What is not named in
`expect` is not looked at; what is named must be just so.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import ndiff
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from router.config.model import DestinationConfig, SourceConfig, TransformationConfig
from router.delivery.sending.insert_function import InsertFunction
from router.delivery.sending.outgoing import Outgoing
from router.errors import DeliveryError, PluginError, RouterError
from router.events.calls import AnyEvent, decode_event
from router.events.profile import attach
from router.plugins.chain import Chain
from router.plugins.dropped import Dropped
from router.plugins.request import Answer
from router.plugins.settings import FileText, Settings
from router.plugins.webhook import WebhookSource
from router.testing.events import snapshot
from router.testing.exchanging import Exchange, answer, exchange, shown
from router.testing.receiving import receive, webhook_request

_AT = "2030-05-01T10:00:00.000Z"
_EVENT = {
    "messageId": "m1",
    "userId": "u1",
    "receivedAt": _AT,
    "timestamp": _AT,
    "context": {},
    "integrations": {},
}
"""What an event has unless the example says otherwise."""


class ExampleRefused(RouterError):
    """An example, or a file of them, cannot be read; the message says which and why."""


class GivenAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """What a service answers in an example."""

    status: int = 200
    json: Any = None
    body: str = ""
    headers: dict[str, str] = {}


class GivenRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a vendor sends in an example."""

    json: Any = UNSET
    form: dict[str, str] | None = None
    body: str = ""
    headers: dict[str, str] = {}
    query: str = ""


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """One example, as it is written."""

    event: dict[str, Any] | UnsetType = UNSET
    request: GivenRequest | UnsetType = UNSET
    """Of a source: the request of its vendor."""
    name: str = ""
    profile: dict[str, Any] | UnsetType = UNSET
    """What the event knows of its profile, e.g. { traits = { plan = "gold" } }; by default nothing."""
    expect: dict[str, Any] | UnsetType = UNSET
    """Fields of the event that comes out."""
    dropped: str | bool | UnsetType = UNSET
    """That it is dropped, or for which reason."""
    error: str | UnsetType = UNSET
    """A part of what is said of an event, or a request, that breaks."""
    answers: tuple[GivenAnswer, ...] = ()
    """What a destination's requests are answered with, in order; then with 200."""
    requests: tuple[dict[str, Any], ...] | UnsetType = UNSET
    """The requests of a destination: method, url, headers, and the body as `json` or as text in `body`."""
    calls: tuple[dict[str, Any], ...] | UnsetType = UNSET
    """The calls that a source makes; none may be refused."""
    outcome: str | UnsetType = UNSET
    """What becomes of it at a destination, e.g. "delivered", "rejected", "retry" or "rejected MESSAGE_REJECTED"."""


class Tried(Struct, frozen=True):
    """An example that was tried."""

    name: str
    differences: tuple[str, ...] = ()
    """Lines that show what is not as expected; none where all is well."""


Section = TransformationConfig | DestinationConfig | SourceConfig


def try_examples(section: Section) -> Iterator[Tried]:
    """Try every example of a section, one after the other; raises ExampleRefused."""
    written = list(section.examples) if isinstance(section, TransformationConfig) else []
    takes = "request" if isinstance(section, SourceConfig) else "event"
    examples = [_read(one, f"example {number}", takes) for number, one in enumerate(written, 1)]
    for file in _files(section.settings) if section.settings is not None else ():
        examples += _read_file(file, takes)
    for number, one in enumerate(examples, 1):
        name = one.name or f"example {number}"
        if isinstance(section, SourceConfig):
            found = _received(section, one)
        elif isinstance(section, TransformationConfig):
            found = _transformed(section, one)
        else:
            found = _sent(section, one)
        yield Tried(name, tuple(found))


def _files(settings: Settings) -> Iterator[Path]:
    """The files of examples beside the files that the settings name, those that are there."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, FileText):
            beside = Path(value.path)
            candidates = (beside.with_suffix(f".test{ending}") for ending in (".toml", ".json"))
            yield from (one for one in candidates if one.is_file())


def _read_file(file: Path, takes: str) -> list[Example]:
    try:
        text = file.read_bytes()
        found = tomllib.loads(text.decode()) if file.suffix == ".toml" else msgspec.json.decode(text)
    except (OSError, ValueError) as error:  # also what is no TOML, JSON or UTF-8
        raise ExampleRefused(f"{file} cannot be read: {error}") from None
    examples = found.get("examples") if isinstance(found, dict) else found
    if not isinstance(examples, list):
        raise ExampleRefused(f"{file} holds no list of examples; write [[examples]]")
    return [_read(one, f"{file}: example {number}", takes) for number, one in enumerate(examples, 1)]


def _read(written: object, where: str, takes: str) -> Example:
    try:
        example = msgspec.convert(written, Example)
        if takes == "event" and example.event is not UNSET:
            _event(example)
    except (msgspec.MsgspecError, TypeError) as error:
        raise ExampleRefused(f"{where}: {error}") from None
    if getattr(example, takes) is UNSET:
        raise ExampleRefused(f"{where} has no {takes}; write {takes} = {{ … }}")
    expected = ("expect", "dropped", "error", "requests", "outcome", "calls")
    if all(getattr(example, name) is UNSET for name in expected):
        named = (
            "calls, error or requests"
            if takes == "request"
            else "expect, dropped, error, requests or outcome"
        )
        raise ExampleRefused(f"{where} expects nothing; write {named}")
    return example


def _event(example: Example) -> AnyEvent:
    given = {} if isinstance(example.event, UnsetType) else example.event
    event = decode_event(msgspec.json.encode({**_EVENT, **given}))
    if not isinstance(example.profile, UnsetType):
        attach(event, snapshot(example.profile))
    return event


def _transformed(section: TransformationConfig, example: Example) -> Iterator[str]:
    """What is not as expected of a transformation."""
    transformation = section.transformation()
    if transformation.asks():
        yield from _asked(InsertFunction(transformation), example)
        return
    (made,) = Chain([transformation]).apply_all([_event(example)])
    yield from _compared(example, made)


def _asked(function: InsertFunction, example: Example) -> Iterator[str]:
    """What is not as expected of an insert function that asks others; `made` is filled while they are."""
    event = _event(example)
    done = exchange(function, [event], answers=_answers(example))
    yield from _exchanged(example, done)
    if all(one is UNSET for one in (example.expect, example.dropped, example.error)):
        return
    (outcome,) = done.outcomes
    made = function.made.get(id(event), PluginError(f"{outcome.verdict} {outcome.reason}"))
    yield from _compared(example, made)


def _compared(example: Example, made: AnyEvent | Dropped | Exception) -> Iterator[str]:
    if isinstance(made, Exception):
        yield from _as_text(example.error, f"error: {made}")
    elif isinstance(made, Dropped):
        is_expected = example.dropped is True or example.dropped == made.reason
        yield from () if is_expected else _differ(_expected(example), f"dropped: {made.reason}")
    elif isinstance(example.expect, UnsetType):
        yield from _differ(_expected(example), "the event goes on")
    else:
        yield from _fields(example.expect, made.fields)


def _sent(section: DestinationConfig, example: Example) -> Iterator[str]:
    """What is not as expected of a destination."""
    done = exchange(section.destination(), [_event(example)], answers=_answers(example))
    yield from _exchanged(example, done)


def _exchanged(example: Example, done: Exchange) -> Iterator[str]:
    (outcome,) = done.outcomes
    said = f"{outcome.verdict} {outcome.reason}".strip()
    if not isinstance(example.outcome, UnsetType) and example.outcome not in (said, outcome.verdict):
        yield from _differ(f"outcome: {example.outcome}", f"outcome: {said}")
    yield from _requests(example, done.requests)


def _received(section: SourceConfig, example: Example) -> Iterator[str]:
    """What is not as expected of a source that makes calls of requests."""
    given = example.request
    plugin = section.plugin()
    if isinstance(given, UnsetType) or not isinstance(plugin, WebhookSource):
        return  # `_read` and the caller have seen to both
    asked = webhook_request(
        given.json, form=given.form, body=given.body.encode(), headers=given.headers, query=given.query
    )
    try:
        done = receive(plugin, asked, answers=_answers(example))
    except (DeliveryError, PluginError) as error:
        yield from _as_text(example.error, f"error: {error} {getattr(error, 'detail', '')}".strip())
        return
    finally:
        plugin.close()
    if not isinstance(example.error, UnsetType):
        yield from _differ(f"error: {example.error}", "no error")
    if not isinstance(example.calls, UnsetType):
        if len(done.calls) != len(example.calls):
            yield from _differ(f"{len(example.calls)} calls", f"{len(done.calls)} calls")
        for number, (expected, call) in enumerate(zip(example.calls, done.calls, strict=False), 1):
            for line in _fields(expected, call):
                yield f"call {number}: {line}"
        if done.refused:
            yield from _differ("no call is refused", f"refused: {', '.join(done.refused)}")
    yield from _requests(example, done.requests)


def _answers(example: Example) -> list[Answer]:
    return [
        answer(one.status, json=one.json, body=one.body.encode(), headers=one.headers)
        for one in example.answers
    ]


def _requests(example: Example, requests: Sequence[Outgoing]) -> Iterator[str]:
    """What is not as expected of what was sent."""
    if isinstance(example.requests, UnsetType):
        return
    if len(requests) != len(example.requests):
        yield from _differ(f"{len(example.requests)} requests", f"{len(requests)} requests")
    for number, (expected, request) in enumerate(zip(example.requests, requests, strict=False), 1):
        found = {**shown(request), "body": request.body.decode(errors="replace")}
        if "json" in expected:
            found["json"] = shown(request).get("body")
        headers = expected.get("headers")
        if isinstance(headers, Mapping):
            lower = {name.lower(): value for name, value in request.headers.items()}
            found["headers"] = {name: lower.get(name.lower()) for name in headers}
        for line in _fields(expected, found):
            yield f"request {number}: {line}"


def _expected(example: Example) -> str:
    for name in ("expect", "dropped", "error"):
        value = getattr(example, name)
        if value is not UNSET:
            return f"{name}: {value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
    return "nothing"


def _as_text(expected: str | UnsetType, found: str) -> Iterator[str]:
    if isinstance(expected, UnsetType) or expected not in found:
        yield from _differ("no error" if isinstance(expected, UnsetType) else f"error: {expected}", found)


def _fields(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        there = found.get(name)
        if there != value or isinstance(there, bool) != isinstance(value, bool):
            yield f"{name}:"
            yield from _differ(_pretty(value), _pretty(there))


def _pretty(value: Any) -> str:
    text = msgspec.json.encode(value, order="deterministic")
    return msgspec.json.format(text, indent=2).decode()


def _differ(expected: str, found: str) -> Sequence[str]:
    """Both as lines: `-` is expected and not there, `+` is there and not expected."""
    lines: Iterable[str] = ndiff(expected.splitlines(), found.splitlines())
    return [line for line in lines if not line.startswith("?")]
