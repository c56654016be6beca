"""How events and operators call a destination, and what of routing it is exempt from."""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Category = Literal["cloud", "warehouse", "raw"]
"""What a destination is for: a service that takes events, tables, or events kept as they are."""


class Addressee(Struct, frozen=True, kw_only=True):
    """A destination as the routing rules know it; every instance of a destination has the same names."""

    id: str
    """The name of its section, unique among destinations: what `bundledIds` and `warehouseIds` hold."""
    kind: str = ""
    """Which plugin it is."""
    names: tuple[str, ...]
    """What events call it, the display name first; upper and lower case differ."""
    category: Category = "cloud"
    is_enabled: bool = True
    """Whether it gets events that say nothing of it."""
    is_told_of_consent: bool = False
    """Whether it hears of changed consent whatever was consented to."""

    @property
    def is_storage(self) -> bool:
        """Whether it keeps events: then neither consent nor schema filters concern it."""
        return self.category != "cloud"

    def is_named(self, words: Iterable[str]) -> bool:
        """Whether one of `words` means it: the id it alone, the kind or a name every instance."""
        return not {self.id, self.kind, *self.names}.isdisjoint(words)


def title(kind: str) -> str:
    """The display name of a destination kind that declares none: `customer_io` → `Customer Io`."""
    return " ".join(word[:1].upper() + word[1:] for word in kind.replace("-", "_").split("_") if word)
