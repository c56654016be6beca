"""Examples of functions and transformations: an event, what is expected of it, and what becomes of it.

    [[examples]]
    name = "an order gets its revenue"
    event = { type = "track", event = "Order", properties = { total = "12.5" } }
    expect = { properties = { revenue = 12.5 } }

They stand in `[[transformations.NAME.examples]]`, or beside a function: `functions/crm.test.toml` (or `.json`) holds
those of `functions/crm.js`. What is not named in `expect` is not looked at; what is named must be just so.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import ndiff
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from router.config.model import DestinationConfig, TransformationConfig
from router.delivery.sending.insert_function import InsertFunction
from router.errors import PluginError, RouterError
from router.events.calls import AnyEvent, decode_event
from router.events.profile import attach
from router.plugins.chain import Chain
from router.plugins.dropped import Dropped
from router.plugins.request import Answer
from router.plugins.settings import FileText, Settings
from router.testing.events import snapshot
from router.testing.exchanging import Exchange, answer, exchange, shown

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


class Example(Struct, frozen=True, forbid_unknown_fields=True):
    """One example, as it is written."""

    event: dict[str, Any]
    name: str = ""
    profile: dict[str, Any] | UnsetType = UNSET
    """What the event knows of its profile, e.g. { traits = { plan = "gold" } }; by default nothing."""
    expect: dict[str, Any] | UnsetType = UNSET
    """Fields of the event that comes out."""
    dropped: str | bool | UnsetType = UNSET
    """That it is dropped, or for which reason."""
    error: str | UnsetType = UNSET
    """A part of what is said of an event that breaks."""
    answers: tuple[GivenAnswer, ...] = ()
    """What a destination's requests are answered with, in order; then with 200."""
    requests: tuple[dict[str, Any], ...] | UnsetType = UNSET
    """The requests of a destination: method, url, headers, and the body as `json` or as text in `body`."""
    outcome: str | UnsetType = UNSET
    """What becomes of it at a destination, e.g. "delivered", "rejected", "retry" or "rejected MESSAGE_REJECTED"."""


class Tried(Struct, frozen=True):
    """An example that was tried."""

    name: str
    differences: tuple[str, ...] = ()
    """Lines that show what is not as expected; none where all is well."""


def try_examples(section: TransformationConfig | DestinationConfig) -> Iterator[Tried]:
    """Try every example of a section, one after the other; raises ExampleRefused."""
    written = list(section.examples) if isinstance(section, TransformationConfig) else []
    examples = [_read(one, f"example {number}") for number, one in enumerate(written, 1)]
    for file in _files(section.settings):
        examples += _read_file(file)
    for number, one in enumerate(examples, 1):
        name = one.name or f"example {number}"
        found = (
            _transformed(section, one) if isinstance(section, TransformationConfig) else _sent(section, one)
        )
        yield Tried(name, tuple(found))


def _files(settings: Settings) -> Iterator[Path]:
    """The files of examples beside the files that the settings name, those that are there."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, FileText):
            beside = Path(value.path)
            candidates = (beside.with_suffix(f".test{ending}") for ending in (".toml", ".json"))
            yield from (one for one in candidates if one.is_file())


def _read_file(file: Path) -> list[Example]:
    try:
        text = file.read_bytes()
        found = tomllib.loads(text.decode()) if file.suffix == ".toml" else msgspec.json.decode(text)
    except (OSError, ValueError) as error:  # also what is no TOML, JSON or UTF-8
        raise ExampleRefused(f"{file} cannot be read: {error}") from None
    examples = found.get("examples") if isinstance(found, dict) else found
    if not isinstance(examples, list):
        raise ExampleRefused(f"{file} holds no list of examples; write [[examples]]")
    return [_read(one, f"{file}: example {number}") for number, one in enumerate(examples, 1)]


def _read(written: object, where: str) -> Example:
    try:
        example = msgspec.convert(written, Example)
        _event(example)
    except (msgspec.MsgspecError, TypeError) as error:
        raise ExampleRefused(f"{where}: {error}") from None
    if all(
        one is UNSET
        for one in (example.expect, example.dropped, example.error, example.requests, example.outcome)
    ):
        raise ExampleRefused(f"{where} expects nothing; write expect, dropped, error, requests or outcome")
    return example


def _event(example: Example) -> AnyEvent:
    event = decode_event(msgspec.json.encode({**_EVENT, **example.event}))
    if not isinstance(example.profile, UnsetType):
        attach(event, snapshot(example.profile))
    return event


def _transformed(section: TransformationConfig, example: Example) -> Iterator[str]:
    """What is not as expected of a transformation."""
    transformation = section.transformation()
    if transformation.asks() and section.destinations:
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


def _answers(example: Example) -> list[Answer]:
    return [
        answer(one.status, json=one.json, body=one.body.encode(), headers=one.headers)
        for one in example.answers
    ]


def _exchanged(example: Example, done: Exchange) -> Iterator[str]:
    (outcome,) = done.outcomes
    said = f"{outcome.verdict} {outcome.reason}".strip()
    if not isinstance(example.outcome, UnsetType) and example.outcome not in (said, outcome.verdict):
        yield from _differ(f"outcome: {example.outcome}", f"outcome: {said}")
    if isinstance(example.requests, UnsetType):
        return
    if len(done.requests) != len(example.requests):
        yield from _differ(f"{len(example.requests)} requests", f"{len(done.requests)} requests")
    for number, (expected, request) in enumerate(zip(example.requests, done.requests, strict=False), 1):
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
