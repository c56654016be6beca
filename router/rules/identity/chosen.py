"""The traits that are kept with each event: those that rules name, as the profile has them right behind the event."""

from collections.abc import Iterable

import msgspec
from msgspec import Raw

from router.events.calls import EMPTY_OBJECT
from router.events.profile import MOST_BYTES, ProfileSnapshot
from router.rules.identity.node import Node


class Chosen:
    """Takes the chosen traits out of profiles, within `MOST_BYTES`."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = [(name, msgspec.json.encode(name) + b":") for name in sorted(names)]

    def __bool__(self) -> bool:
        return bool(self._names)

    def take(self, node: Node) -> int:
        """Give a profile the snapshot that its events get; its traits are read. How many values found no room."""
        members: list[bytes] = []
        size = left_out = 0
        values = node.traits.values if self._names and node.traits is not None else {}
        for name, key in self._names if values else ():
            trait = values.get(name)
            if trait is None or trait.json is None:
                continue
            if size + len(trait.json) > MOST_BYTES:
                left_out += 1
                continue
            size += len(trait.json)
            members.append(key + trait.json)
        traits = Raw(b"{" + b",".join(members) + b"}") if members else EMPTY_OBJECT
        node.snapshot = ProfileSnapshot(node.profile.id, traits)
        return left_out
