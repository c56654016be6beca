"""What an event knows of its profile: the id, and those traits that rules name, as they were right behind the event.

It is kept with the event, so that a rule stays pure: a replay sees what live delivery saw, whatever became of the
profile since. It is no part of the event's stored form, and is not delivered unless a rule or a plugin puts it there.
"""

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import force_setattr

from router.events.calls import EMPTY_OBJECT, AnyEvent, Event, decode_open_json

_unpack = msgspec.json.Decoder(tuple[str, Raw]).decode
MOST_BYTES = 8 << 10
"""So much the traits of one event may take as JSON: they are kept again with each event."""
if TYPE_CHECKING:
    _Hidden = Any
else:
    _Hidden = Raw


class ProfileSnapshot(Struct, frozen=True, gc=False, eq=False):
    """The profile of an event; shared by the events of one profile, so read it and never change it."""

    id: str
    """Its id when the event came; the profile may have gone into another one since."""
    traits_json: Raw = EMPTY_OBJECT
    """The traits that are kept with the event, as a JSON object."""
    _fields: _Hidden = UNSET
    """What was decoded already."""

    @property
    def traits(self) -> dict[str, Any]:
        """The traits that are kept with the event and that the profile had, decoded."""
        found: dict[str, Any] = self.fields["traits"]
        return found

    @property
    def fields(self) -> dict[str, Any]:
        """`{"id": …, "traits": {…}}`: what rules find under `profile`."""
        if self._fields is UNSET:
            force_setattr(self, "_fields", {"id": self.id, "traits": decode_open_json(self.traits_json)})
        found: dict[str, Any] = self._fields
        return found

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ProfileSnapshot)
            and other.id == self.id
            and bytes(other.traits_json) == bytes(self.traits_json)
        )

    def __hash__(self) -> int:
        return hash((self.id, bytes(self.traits_json)))


def attach(event: Event, profile: ProfileSnapshot | None) -> None:
    """Say whose an event is, before anybody else has seen it."""
    force_setattr(event, "_profile", UNSET if profile is None else profile)


def traits_size(event: AnyEvent) -> int:
    """How many bytes of traits are kept with an event."""
    profile = event.profile
    if profile is None or profile.traits_json is EMPTY_OBJECT:
        return 0
    return len(bytes(profile.traits_json))


def pack(profile: ProfileSnapshot | None) -> bytes:
    """The snapshot as bytes, for where an event is kept by itself."""
    return b"" if profile is None else msgspec.json.encode((profile.id, profile.traits_json))


def unpack(packed: bytes) -> ProfileSnapshot | None:
    """What was packed; raises MsgspecError."""
    if not packed:
        return None
    id, traits = _unpack(packed)
    return ProfileSnapshot(id, EMPTY_OBJECT if traits == EMPTY_OBJECT else traits)


def fields_with_profile(event: AnyEvent) -> dict[str, Any]:
    """Every field of the stored form, and `profile` beside them; what a client calls so gives way to it."""
    profile = event.profile
    return {**event.fields, "profile": None if profile is None else profile.fields}
