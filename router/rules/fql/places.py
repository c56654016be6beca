"""Where a field stands: in which attribute of each class of event, or in a plain object.

A field is named as in the protocol (`userId`), at the top of the event or inside its open JSON
(`properties.plan`). For each class it is known beforehand which attribute that is. A field that the class does not
have can only be one that a client made up, and is looked for in the stored form.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, get_args

import msgspec
from msgspec import Raw

from router.events.calls import AnyEvent, decode_open_json
from router.rules.fql.closures import Constant, Reader

Field = Callable[[str], Reader | Constant]
"""Where the top-level fields of one kind of event stand: name → how to read it."""

EVENT_CLASSES: tuple[type[AnyEvent], ...] = get_args(AnyEvent)
OPEN = ("properties", "traits", "context", "integrations")
"""The fields of an event that are open JSON."""
PROFILE = "profile"
"""Whose an event is stands beside it (`router.events.profile`); a field of that name in a call is not looked at."""

_members = msgspec.json.Decoder(dict[str, Raw]).decode


def field_of_object(name: str) -> Reader:
    """Where a top-level field of a plain object stands."""
    return lambda payload: payload.get(name)


def field_of_class(event_class: type[AnyEvent]) -> Field:
    """Where the top-level fields of one class of event stand."""
    names = zip(event_class.__struct_encode_fields__, event_class.__struct_fields__, strict=True)
    attributes = {name: attribute for name, attribute in names if not attribute.startswith("_")}

    def field(name: str) -> Reader | Constant:
        if name == "type":
            return Constant(event_class.__struct_config__.tag)
        if name == PROFILE:
            return _of_profile
        if name not in attributes:
            return _made_up(name)
        return _opened(name) if name in OPEN else attrgetter(attributes[name])

    return field


def inside(field: Reader | Constant, keys: Sequence[str]) -> Reader | Constant:
    """Where a value stands within the objects of a field; a place that is not there reads as None."""
    if isinstance(field, Constant):
        return Constant(None) if keys else field
    if not keys:
        return field
    if len(keys) == 1:
        (only,) = keys

        def read_member(event: Any) -> Any:
            value = field(event)
            return value.get(only) if value.__class__ is dict else None

        return read_member

    def read_deeply(event: Any) -> Any:
        value = field(event)
        for key in keys:
            if value.__class__ is not dict:
                return None
            value = value.get(key)
        return value

    return read_deeply


def _opened(name: str) -> Reader:
    attribute = f"{name}_json"
    opened = attrgetter(name)

    def read(event: Any) -> Any:
        try:  # what is decoded already, in half the time that the property takes
            found = event._open[attribute]
        except (TypeError, KeyError):
            found = opened(event)
        return found or (
            found if getattr(event, attribute) else None
        )  # what was not sent opens as an empty object

    return read


def _of_profile(event: Any) -> Any:
    profile = event.profile
    return None if profile is None else profile.fields


def _made_up(name: str) -> Reader:
    quoted = msgspec.json.encode(name)

    def read(event: Any) -> Any:
        stored = event.json
        if quoted not in stored and b"\\" not in stored:  # a name can also be written with escapes
            return None
        found = _members(stored).get(name)
        return None if found is None else decode_open_json(found)

    return read
