"""What differs between two lists of requests, down to the places in their bodies."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from router.delivery.preview import Shown
from router.delivery.sending.secrecy import HIDDEN, HIDDEN_HEADERS

LONGEST = 200
"""Characters of a value that are shown."""
ABSENT = ""
Hide = Callable[[str], str]


class Difference(Struct, frozen=True, omit_defaults=True):
    """One place that differs; a side that has nothing there is empty."""

    place: str
    """`method`, `url`, `headers.NAME`, `body`, or a path in a JSON body such as `body.properties.total`."""
    old: str = ABSENT
    new: str = ABSENT


class Change(Struct, frozen=True):
    """One request that is added, removed or changed."""

    what: str
    """`added`, `removed` or `changed`."""
    method: str
    url: str
    first_message_id: str
    events: int
    """How many events its batch has."""
    is_first_of_more: bool = False
    """Whether further requests depend on its answer; they are not looked at."""
    differences: tuple[Difference, ...] = ()


def compare(old: Sequence[Shown], new: Sequence[Shown], *, hide: Hide) -> list[Change]:
    """The requests that differ, in the order of the events; `hide` takes secrets out of what is shown."""
    before = {one.key: one for one in old}
    after = {one.key: one for one in new}
    found = []
    for key in _merged([one.key for one in old], [one.key for one in new]):
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            found.append(_change("added", now, (), hide))
        elif now is None and was is not None:
            found.append(_change("removed", was, (), hide))
        elif was is not None and now is not None and was != now:
            found.append(_change("changed", now, tuple(_differences(was, now, hide)), hide))
    return found


def _merged(old: list[tuple[str, int]], new: list[tuple[str, int]]) -> list[tuple[str, int]]:
    known = set(old)
    return old + [key for key in new if key not in known]


def _change(what: str, one: Shown, differences: tuple[Difference, ...], hide: Hide) -> Change:
    return Change(what, one.method, hide(one.url), one.key[0], one.events, one.is_first_of_more, differences)


def _differences(old: Shown, new: Shown, hide: Hide) -> Iterator[Difference]:
    def shown(value: str) -> str:
        text = hide(value)
        return text if len(text) <= LONGEST else text[:LONGEST] + "…"

    for place, was, now in _places(old, new):
        if was != now:
            is_hidden = place.removeprefix("headers.").lower() in HIDDEN_HEADERS
            yield Difference(
                place,
                HIDDEN if is_hidden and was else shown(was),
                HIDDEN if is_hidden and now else shown(now),
            )


def _places(old: Shown, new: Shown) -> Iterator[tuple[str, str, str]]:
    yield "method", old.method, new.method
    yield "url", old.url, new.url
    yield "events", str(old.events), str(new.events)
    before, after = dict(old.headers), dict(new.headers)
    for name in {**before, **after}:
        yield f"headers.{name}", before.get(name, ABSENT), after.get(name, ABSENT)
    if old.body != new.body:
        yield from _bodies(old.body, new.body)


def _bodies(old: bytes, new: bytes) -> Iterator[tuple[str, str, str]]:
    try:
        before, after = msgspec.json.decode(old), msgspec.json.decode(new)
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield "body", old.decode("utf-8", "replace"), new.decode("utf-8", "replace")
        return
    places = list(_values("body", before, after))
    yield from places or [("body", "the same JSON", "written in another way")]


def _values(place: str, old: Any, new: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in {**old, **new}:
            inner = f"{place}.{name}"
            if name not in old or name not in new:
                yield inner, _text(old, name), _text(new, name)
            else:
                yield from _values(inner, old[name], new[name])
    elif isinstance(old, list) and isinstance(new, list):
        for index, (was, now) in enumerate(zip(old, new, strict=False)):
            yield from _values(f"{place}[{index}]", was, now)
        for index in range(min(len(old), len(new)), max(len(old), len(new))):
            inner = f"{place}[{index}]"
            yield inner, _item(old, index), _item(new, index)
    elif old != new or type(old) is not type(new):
        yield place, _json(old), _json(new)


def _text(members: Mapping[str, Any], name: str) -> str:
    return _json(members[name]) if name in members else ABSENT


def _item(items: list[Any], index: int) -> str:
    return _json(items[index]) if index < len(items) else ABSENT


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
