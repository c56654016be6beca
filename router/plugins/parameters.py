"""What the class statement of a destination or a transformation names: its settings, and the events that it takes."""

from typing import Any

from router.plugins.settings import Settings


def settings_of(cls: type[Any], contract: type[Any]) -> type[Settings]:
    """The settings struct in `class Name(Contract[NameSettings, Track | Identify])`; raises TypeError without one."""
    settings: type[Settings] = _named(cls, contract)[0]
    return settings


def events_of(cls: type[Any], contract: type[Any]) -> tuple[type[Any], ...]:
    """The event classes named there; raises TypeError where none are."""
    accepted = _named(cls, contract)[1]
    return tuple(getattr(accepted, "__args__", (accepted,)))


def _named(cls: type[Any], contract: type[Any]) -> tuple[Any, Any]:
    for parent in cls.__mro__:
        for base in getattr(parent, "__orig_bases__", ()):
            if getattr(base, "__origin__", None) is contract:
                settings, events = base.__args__
                return settings, events
    raise TypeError(
        f"{cls.__name__} must name its settings and events: {contract.__name__}[Settings, Track | Identify]"
    )
