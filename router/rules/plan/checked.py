"""Whether an event keeps to a schema: first the quick check, then, for what it does not take, the library."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET

from router.events.calls import AnyEvent
from router.events.wire import NAMES
from router.rules.plan.library import validator
from router.rules.plan.shape import NotPlain, Shape, shape_of, struct_of
from router.rules.plan.violation import Found, violations_in

Check = Callable[[AnyEvent], bool]
OPEN_PARTS = {
    "properties": "properties_json",
    "traits": "traits_json",
    "context": "context_json",
    "integrations": "integrations_json",
}
"""Members of a message that are open JSON, and the fields that hold them raw."""
_PLAIN_PARTS = {name: field for field, name in NAMES.items()} | {
    one: one for one in ("type", "event", "name", "category", "channel", "timestamp", "version")
}
"""Members that are text or a number or absent, and the fields that hold them."""
_ROOT = frozenset(
    {"$schema", "$id", "$comment", "id", "title", "description", "type", "properties", "required", "definitions",
     "default", "examples", "labels"}
)  # fmt: skip


class Checked:
    """A schema of whole messages, compiled."""

    def __init__(self, schema: Mapping[str, Any], *, names_only_in: str = "") -> None:
        """With `names_only_in` (`properties` or `traits`), `is_exact` also asks that every name there is planned."""
        self._library = validator(schema)
        self._quick = _quick(schema, "")
        self._exact = _quick(schema, names_only_in) if names_only_in else None

    @property
    def is_quick(self) -> bool:
        """Whether there is a quick check."""
        return self._quick is not None

    def is_exact(self, event: AnyEvent) -> bool:
        """Whether the quick check sees that the event keeps to the schema and has planned names only."""
        return self._exact is not None and self._exact(event)

    def accepts(self, event: AnyEvent) -> bool:
        """Whether the event keeps to the schema."""
        if self._quick is not None and self._quick(event):
            return True
        return self._library.is_valid(event.fields)

    def violations(self, event: AnyEvent) -> Iterator[Found]:
        """Everything in which it does not, as it is found."""
        for error in self._library.iter_errors(event.fields):
            yield from violations_in(error)


def _quick(schema: Mapping[str, Any], strict_part: str) -> Check | None:
    """The quick check of a whole message; None when only the library can say."""
    if schema.keys() - _ROOT or schema.get("type", "object") != "object":
        return None
    required = set(schema.get("required") or ())
    checks: list[Check] = []
    try:
        parts = dict(schema.get("properties") or {})
        if strict_part:
            parts.setdefault(strict_part, {})
        for name in {*parts, *required}:
            check = _part(name, parts.get(name, True), name in required, is_strict=name == strict_part)
            if check is not None:
                checks.append(check)
    except (NotPlain, TypeError, ValueError):  # msgspec does not make every type
        return None
    if len(checks) == 1:
        return checks[0]
    return lambda event: all([check(event) for check in checks])


def _part(name: str, schema: Any, is_required: bool, *, is_strict: bool) -> Check | None:
    if name in OPEN_PARTS:
        return _open_part(OPEN_PARTS[name], schema, is_required, is_strict=is_strict)
    if name not in _PLAIN_PARTS or b'"$ref"' in msgspec.json.encode(schema):
        raise NotPlain
    field = _PLAIN_PARTS[name]
    if schema is True or not schema:
        return (lambda event: getattr(event, field, None) is not None) if is_required else None
    is_valid = validator(schema).is_valid

    def check(event: AnyEvent) -> bool:
        value = getattr(event, field, None)
        return not is_required if value is None else is_valid(value)

    return check


def _open_part(field: str, schema: Any, is_required: bool, *, is_strict: bool) -> Check | None:
    shape = _strict_root(schema) if is_strict else shape_of(schema, is_strict=False)
    if shape.kind is Any:
        return (lambda event: bool(bytes(getattr(event, field, b"")))) if is_required else None
    decode = msgspec.json.Decoder(shape.kind).decode
    residues = [(one.path, validator(one.schema).is_valid) for one in shape.residues]

    def check(event: AnyEvent) -> bool:
        raw = getattr(event, field, b"")
        if not raw:
            return not is_required
        try:
            made = decode(raw)
        except (msgspec.ValidationError, RecursionError):
            return False
        return not residues or _keeps(made, residues)

    return check


def _strict_root(schema: Any) -> Shape:
    """The shape of the part whose names must all be planned, also where the plan names none."""
    if isinstance(schema, Mapping) and schema.get("properties"):
        return shape_of(schema, is_strict=True)
    if shape_of(schema, is_strict=True).kind not in (Any, dict[str, Any]):
        raise NotPlain
    return struct_of({}, [], is_closed=True, is_strict=True)


def _keeps(made: Any, residues: Sequence[tuple[tuple[str, ...], Callable[[Any], bool]]]) -> bool:
    for path, is_valid in residues:
        value = made
        for attribute in path:
            value = getattr(value, attribute)
            if value is UNSET:
                break
        else:
            if not is_valid(value):
                return False
    return True
