"""Whether an event was sent, with an answer that shows what was sent instead."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from router.events.calls import Event
from router.events.wire import NAMES

SHOWN = 3
"""So many of the nearest events are shown."""
Sent = Mapping[str, Any] | Event


def assert_tracked(
    events: Iterable[Sent], event: str, *, times: int | None = None, **fields: Any
) -> dict[str, Any]:
    """Assert that `events` hold a track call `event` with these fields, and return the first one.

    Objects such as `properties={"total": 12.5}` may have more members than are named. `times` says how many such
    calls there must be; by default at least one. Fields are those of the embedded call: `user_id="u1"`.
    """
    return assert_sent(events, "track", times=times, event=event, **fields)


def assert_sent(
    events: Iterable[Sent], type: str, *, times: int | None = None, **fields: Any
) -> dict[str, Any]:
    """As `assert_tracked`, for a call of any type."""
    sent = [_plain(one) for one in events]
    wanted = {"type": type, **{NAMES.get(name, name): value for name, value in fields.items()}}
    found = [one for one in sent if not _differences(wanted, one)]
    if found and (times is None or len(found) == times):
        return found[0]
    if times == 0 and not found:
        return {}
    raise AssertionError(_words(wanted, sent, len(found), times))


def _plain(event: Sent) -> dict[str, Any]:
    return msgspec.json.decode(event.json) if isinstance(event, Event) else dict(event)


def _words(wanted: Mapping[str, Any], sent: Sequence[dict[str, Any]], found: int, times: int | None) -> str:
    if found:
        return f"{_line(wanted)} was sent {found} times, not {times}"
    lines = [f"{_line(wanted)} was not sent; {len(sent)} events were"]
    nearest = sorted(sent, key=lambda one: _distance(wanted, one))[:SHOWN]
    for one in nearest:
        lines.append(
            f"  {_line({key: one[key] for key in ('type', 'event', 'name', 'userId') if key in one})}"
        )
        lines += [f"    {difference}" for difference in _differences(wanted, one)]
    if len(sent) > len(nearest):
        lines.append(f"  and {len(sent) - len(nearest)} more that are less like it")
    return "\n".join(lines)


def _distance(wanted: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[bool, bool, int]:
    """First those of the type, then those of the name, then those with the fewest differences."""
    name = "event" if "event" in wanted else "type"
    return one.get("type") != wanted["type"], one.get(name) != wanted[name], len(_differences(wanted, one))


def _differences(wanted: Mapping[str, Any], one: Mapping[str, Any], path: str = "") -> list[str]:
    found = []
    for key, value in wanted.items():
        place = f"{path}.{key}" if path else key
        if value is None and one.get(key) is None:
            continue
        if key not in one:
            found.append(f"{place} is missing; {_line(value)} is wanted")
        elif isinstance(value, Mapping) and isinstance(one[key], Mapping):
            found += _differences(value, one[key], place)
        elif one[key] != value:
            found.append(f"{place} is {_line(one[key])}, not {_line(value)}")
    return found


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
