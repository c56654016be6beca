"""What the class statement of a plugin names: its settings and, of some contracts, the events that it takes."""

from typing import Any

from router.plugins.settings import Settings


def settings_of(cls: type[Any], contract: type[Any]) -> type[Settings]:
    """The settings struct in `class Name(Contract[NameSettings, …])`; raises TypeError without one."""
    settings: type[Settings] = _named(cls, contract)[0]
    return settings


def events_of(cls: type[Any], contract: type[Any]) -> tuple[type[Any], ...]:
    """The event classes named there; raises TypeError where none are."""
    accepted = _named(cls, contract)[1]
    return tuple(getattr(accepted, "__args__", (accepted,)))


def _named(cls: type[Any], contract: type[Any]) -> tuple[Any, ...]:
    for parent in cls.__mro__:
        for base in getattr(parent, "__orig_bases__", ()):
            if getattr(base, "__origin__", None) is contract:
                named: tuple[Any, ...] = base.__args__
                return named
    takes_events = len(contract.__parameters__) > 1
    what, example = (
        ("settings and events", "Settings, Track | Identify") if takes_events else ("settings", "Settings")
    )
    raise TypeError(f"{cls.__name__} must name its {what}: {contract.__name__}[{example}]")
