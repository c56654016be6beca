"""A trait that profiles are looked for by: `plan=gold`, or `plan` alone for any value."""

from functools import cached_property
from typing import Any

from msgspec import Struct

from router.events.calls import decode_open_json
from router.rules.fql.values import same
from router.storage.profile import Traits


class SoughtTrait(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """The name of a trait, and its value as somebody types it."""

    name: str
    text: str | None = None
    """`gold` is the text "gold", `3` the number or the text, `true` the boolean or the text; None for any value."""

    @cached_property
    def _json(self) -> Any:
        """The value if the text is JSON; otherwise the text."""
        return _decoded((self.text or "").encode(), self.text)

    def is_in(self, traits: Traits) -> bool:
        """Whether a profile with these traits has it."""
        trait = traits.values.get(self.name)
        if trait is None or trait.json is None:
            return False
        if self.text is None:
            return True
        value = _decoded(trait.json, None)
        return value == self.text if isinstance(value, str) else same(value, self._json)


def _decoded(json: bytes, otherwise: Any) -> Any:
    """The value in `json`; what is none, or is nested too deeply, is `otherwise`."""
    try:
        return decode_open_json(json)
    except (ValueError, RecursionError):
        return otherwise
