"""Controls: what is blocked, hashed, masked or encrypted in the events of one source (privacy 2), compiled once.

A field is met by its name wherever it stands, or by its path; lists are walked without their index. Open JSON whose
bytes hold none of the names is not decoded. What is not met keeps its bytes. In doubt a field goes: what cannot be
read, or lies deeper than anybody looks, is taken out.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec
from msgspec import Raw, Struct

from router.events.calls import decode_open_json
from router.rules.privacy.actions import Action, ActionName

ROOTS = ("properties", "traits", "context")
"""What of an event a control may reach; ids and names are never in it."""
DEEPEST = 32
"""Objects within each other that are walked."""

_PLAIN = re.compile(r"[\w .$-]+", re.ASCII)
"""Keys that only a unicode escape can hide."""
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_elements = msgspec.json.Decoder(list[Raw]).decode
_encode = msgspec.json.Encoder().encode

Counts = Counter[tuple[str, str]]
"""How often by action and field, as it is named in the configuration."""


class Control(Struct, frozen=True):
    """One field and what becomes of it."""

    field: str
    """A name, e.g. "email", or a path from one of the roots, e.g. "properties.card.number"."""
    name: ActionName
    action: Action | None
    """None removes the field."""


def is_path(field: str) -> bool:
    """Whether a field is named by its path."""
    return _root_of(field) in ROOTS and "." in field


def _root_of(path: str) -> str:
    return path.partition(".")[0]


def _last_keys(path: str) -> Iterator[str]:
    """The keys that a field at this path may have: a key may hold dots itself, as in `{"card.number": 1}`."""
    parts = path.split(".")
    for start in range(1, len(parts)):
        yield ".".join(parts[start:])


class Controls:
    """All controls of one source; a path counts more than a name."""

    def __init__(self, controls: Iterable[Control]) -> None:
        self._by_name: dict[str, Control] = {}
        self._by_path: dict[str, Control] = {}
        for one in controls:
            (self._by_path if is_path(one.field) else self._by_name).setdefault(one.field, one)
        self._longest = max(map(len, self._by_path), default=0)
        keys = {
            root: {
                *self._by_name,
                *(key for path in self._by_path if _root_of(path) == root for key in _last_keys(path)),
            }
            for root in ROOTS
        }
        self._names = {root: _finding(keys[root]) for root in ROOTS}
        is_plain = all(_PLAIN.fullmatch(key) for found in keys.values() for key in found)
        self._escape = b"\\u" if is_plain else b"\\"

    def may_meet(self, root: str, raw: bytes) -> bool:
        """Whether the bytes hold the name of a field of this root; an escape may hide one."""
        find = self._names[root]
        return find is not None and (find(raw) is not None or (b"\\" in raw and self._escape in raw))

    def applied(self, root: str, raw: bytes, counts: Counts) -> bytes:
        """The JSON text of a root with every control applied; the same bytes where none is met."""
        if not self.may_meet(root, raw):
            return raw
        try:
            return self._walked(raw, root, counts, DEEPEST) or raw
        except (msgspec.DecodeError, RecursionError):
            counts["block", root] += 1
            return b"{}"

    def _walked(self, raw: bytes, path: str, counts: Counts, room: int) -> bytes | None:
        """The changed text, or None where nothing changes."""
        first = raw.lstrip()[:1]
        if first == b"{":
            return self._object(raw, path, counts, room)
        if first == b"[":
            elements = _elements(raw)
            made = [self._inside(bytes(one), path, counts, room) for one in elements]
            if all(one is None for one in made):
                return None
            return _encode(
                [old if new is None else Raw(new) for old, new in zip(elements, made, strict=True)]
            )
        return None

    def _object(self, raw: bytes, path: str, counts: Counts, room: int) -> bytes | None:
        members = _members(raw)
        is_changed = False
        for key, value in tuple(members.items()):
            control, where = self._by_name.get(key), path
            if len(path) < self._longest:  # else no path is so long, and putting them together takes long
                where = f"{path}.{key}"
                control = self._by_path.get(where) or control
            if control is None:
                inside = self._inside(bytes(value), where, counts, room)
                if inside is not None:
                    members[key] = Raw(inside)
                    is_changed = True
                continue
            is_changed = True
            counts[control.name, control.field] += 1
            if control.action is None:
                del members[key]
            else:
                members[key] = Raw(_encode(control.action(key, decode_open_json(value))))
        made = _encode(members)
        # A key that came twice is here once; what stood under the other must not stay unseen.
        return made if is_changed or len(made) < len(raw) else None

    def _inside(self, raw: bytes, path: str, counts: Counts, room: int) -> bytes | None:
        if raw[:1] not in (b"{", b"[") or not self.may_meet(_root_of(path), raw):
            return None
        if room == 0:
            counts["block", _root_of(path)] += 1
            return b"null"
        return self._walked(raw, path, counts, room - 1)


def _finding(names: Iterable[str]) -> Callable[[bytes], object] | None:
    """What finds one of the names, as JSON has it, in bytes; one look for all of them, whose beginnings are shared."""
    written = sorted({_encode(name)[1:] for name in names})
    return re.compile(b'"' + _tree(written)).search if written else None


def _tree(words: Sequence[bytes]) -> bytes:
    """A pattern for words in order, of which none begins another: the quote at their end sees to that."""
    if len(words) == 1:
        return re.escape(words[0])
    branches = [
        re.escape(first) + _tree([word[1:] for word in those])
        for first, those in groupby(words, key=lambda word: word[:1])
    ]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"


def compiled(
    classes: Mapping[str, Iterable[str]],
    wanted: Mapping[str, ActionName],
    actions: Mapping[ActionName, Action | None],
) -> Controls | None:
    """The controls of a source that wants these actions for classes (red, yellow) and fields; None for none."""
    found = [Control(field, name, actions[name]) for field, name in wanted.items() if field not in classes]
    for colour, fields in classes.items():
        if (action := wanted.get(colour)) is not None:
            found += [Control(field, action, actions[action]) for field in fields]
    return Controls(found) if found else None
