"""Takes members out of objects in JSON text; whatever stays keeps its spelling, digits and order.

Nothing is decoded but the objects on the way: unchanged parts are copied as they lie there, and text in which
nothing is found is returned as it is.
"""

import re
from collections.abc import Callable

import msgspec
from msgspec import Raw

Path = tuple[str, ...]
Change = Callable[[bytes], bytes]
"""Changes the JSON text of an object."""
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_elements = msgspec.json.Decoder(list[Raw]).decode
_encode = msgspec.json.Encoder().encode
_PART = re.compile(r"(?:[^.\\]|\\.)+")
_OBJECT, _ARRAY = b"{", b"["


def path_of(text: str) -> Path:
    """The keys of a dotted path, where `\\.` is a dot of the key itself; empty when it is none, as `a..b`."""
    parts = _PART.findall(text)
    if ".".join(parts) != text:
        return ()
    return tuple(re.sub(r"\\(.)", r"\1", part) for part in parts)


def dropping(path: Path, keys: frozenset[str]) -> Change:
    """Remove `keys` of the object at `path`, or of every object in the array there."""

    def drop(text: bytes) -> bytes:
        members = _members(text)
        if keys.isdisjoint(members):
            return text
        return _encode({key: value for key, value in members.items() if key not in keys})

    return _at(path, drop)


def allowing(path: Path, keys: frozenset[str]) -> Change:
    """Remove all but `keys` of the object at `path`, or of every object in the array there."""

    def keep(text: bytes) -> bytes:
        members = _members(text)
        if keys.issuperset(members):
            return text
        return _encode({key: value for key, value in members.items() if key in keys})

    return _at(path, keep)


def _at(path: Path, change: Change) -> Change:
    if not path:
        return change

    def descend(text: bytes, depth: int) -> bytes:
        first = text[:1]
        if first == _ARRAY and depth == len(path):
            return _each(text, change)
        if first != _OBJECT:
            return text
        if depth == len(path):
            return change(text)
        members = _members(text)
        inner = members.get(path[depth])
        if inner is None:
            return text
        before = bytes(inner)
        after = descend(before, depth + 1)
        if after is before:
            return text
        members[path[depth]] = Raw(after)
        return _encode(members)

    return lambda text: descend(text, 0)


def _each(text: bytes, change: Change) -> bytes:
    """Change every object in the array; an array within it is not entered."""
    elements = [bytes(one) for one in _elements(text)]
    changed = [change(one) if one[:1] == _OBJECT else one for one in elements]
    if all(one is other for one, other in zip(elements, changed, strict=True)):
        return text
    return _encode([Raw(one) for one in changed])
