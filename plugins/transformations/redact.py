"""Take fields out of events, or put a digest in their place."""

import hashlib
import hmac
from typing import Any, Literal

import msgspec

from router import AnyEvent, Secret, Settings, Transformation, hookimpl

OPEN = ("properties", "traits", "context", "integrations")


class RedactSettings(Settings, frozen=True):
    """Which fields, and what happens to them."""

    fields: tuple[str, ...]
    """Paths such as "properties.email" or "context.traits.phone"; the first word is properties, traits or context."""
    action: Literal["remove", "hash"] = "remove"
    """"remove" (default) takes the field out; "hash" replaces it by the hex SHA-256 of its text, keyed with `key`."""
    key: Secret = Secret("")
    """Makes digests that nobody else can compute; by default they are those of plain SHA-256."""

    def __post_init__(self) -> None:
        """Refuse paths that would never match."""
        for path in self.fields:
            first, *rest = path.split(".")
            if first not in OPEN or not all(rest) or not rest:
                raise ValueError(f'fields: "{path}" is no path; write e.g. "properties.email"')


class Redact(Transformation[RedactSettings, AnyEvent]):
    """Remove or hash fields of events, e.g. addresses and telephone numbers.

    A field that an event does not have is no matter, and an object on the way that is none is left alone. Members of
    lists are not looked into.
    """

    kind = "redact"
    sample = 'sources = ["website"]\nsettings.fields = ["traits.email", "context.ip"]\n'

    def transform(self, event: AnyEvent) -> AnyEvent:
        """The event without those fields."""
        changed: dict[str, dict[str, Any]] = {}
        for path in self.settings.fields:
            first, *rest = path.split(".")
            tree = changed.get(first) or getattr(event, first, None)
            if isinstance(tree, dict) and _has(tree, rest):
                changed[first] = self._without(tree, rest)
        return event.replace(**changed) if changed else event

    def _without(self, tree: dict[str, Any], path: list[str]) -> dict[str, Any]:
        """A copy of the tree, shared where nothing changes."""
        name, *rest = path
        if rest:
            return {**tree, name: self._without(tree[name], rest)}
        if self.settings.action == "hash":
            return {**tree, name: self._digest(tree[name])}
        return {key: value for key, value in tree.items() if key != name}

    def _digest(self, value: Any) -> str:
        text = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
        key = self.settings.key.reveal().encode()
        return hmac.new(key, text, hashlib.sha256).hexdigest() if key else hashlib.sha256(text).hexdigest()


def _has(tree: Any, path: list[str]) -> bool:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return False
        tree = tree[name]
    return True


@hookimpl
def register_transformations() -> list[type[Transformation[RedactSettings, AnyEvent]]]:
    """Register the transformation."""
    return [Redact]
