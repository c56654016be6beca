"""Profiles for operators: see one, list them, join two, part one; and read them all, a page at a time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from msgspec import Raw, Struct

from router.admin.verbs import Desk, Verb
from router.errors import StorageError
from router.identity.editing import Editing
from router.identity.resolver import Resolver
from router.rules.identity.computed.rules import NO_RULES, ComputedRules, class_of
from router.rules.identity.facts import Named
from router.storage.profile import Collection, Key, Profile
from router.storage.store import Commit, Storage
from router.telemetry.signals import Signals

MOST_ON_A_PAGE = 500
MOST_LINKS = 100
_MEMORY = 1 << 20
_OPERATOR = "operator"
T = TypeVar("T")


class Sought(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a profile: by an identifier, or by its id alone."""

    space: str
    collection: Collection = "users"
    type: str = ""
    value: str = ""
    id: str = ""
    """`use_…` or `gro_…`; the others mean nothing then."""


class AskProfiles(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for some profiles, each by one of its names."""

    sought: Sequence[Sought]


class AskPage(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for one page of a space."""

    space: str
    collection: Collection = "users"
    beyond: str = ""
    """The id of the last profile of the page before."""
    limit: int = 50
    whole: bool = False
    """Whether traits and links are wanted too."""


class TraitLine(Struct, frozen=True):
    """One trait."""

    value: Raw
    updated_at: int
    source: str
    kind: str = ""
    """`computed_trait` or `audience`; empty for one that a source sent."""


class Shown(Struct, frozen=True):
    """One profile; traits and links only where they were asked for."""

    profile: Profile
    traits: dict[str, TraitLine] = {}
    links: Sequence[Profile] = ()
    """The accounts of a user, or the users of an account; the first hundred."""


class Page(Struct, frozen=True):
    """Some profiles, in a fixed order."""

    profiles: Sequence[Shown]
    beyond: str = ""
    """Where the next page begins; empty at the end."""


class Found(Struct, frozen=True):
    """For each name the profile that it leads to, in the same order."""

    profiles: Sequence[Shown | None]


class AskMerge(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks to make one profile of several."""

    ids: Sequence[str]


class AskSplit(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks to give identifiers, each a type and a value, to a new profile."""

    id: str
    identifiers: Sequence[Named]


class Edited(Struct, frozen=True):
    """What came of a change: the profile that stays, or the new one."""

    id: str


SHOW: Verb[AskProfiles, Found] = Verb("profile_show", AskProfiles, Found)
PAGE: Verb[AskPage, Page] = Verb("profile_page", AskPage, Page)
MERGE: Verb[AskMerge, Edited] = Verb("profile_merge", AskMerge, Edited)
SPLIT: Verb[AskSplit, Edited] = Verb("profile_split", AskSplit, Edited)


def answer_profiles(
    desk: Desk,
    storage: Storage,
    editing: Editing,
    *,
    rules: Callable[[], Mapping[str, ComputedRules]] | None = None,
) -> None:
    """Have `desk` answer for the profiles of `storage`; they are changed by `editing` alone.

    `rules` are those of today by space; without them a trait is shown as computed that was when it last changed.
    """

    async def show(asked: AskProfiles) -> Found:
        found = [await _find(storage, one) for one in asked.sought[:MOST_ON_A_PAGE]]
        whole = await _whole(storage, [one for one in found if one is not None], rules)
        by_id = {one.profile.id: one for one in whole}
        return Found([None if one is None else by_id[one.id] for one in found])

    async def page(asked: AskPage) -> Page:
        limit = max(1, min(asked.limit, MOST_ON_A_PAGE))
        found = await storage.profiles.pages(asked.space, asked.collection, limit=limit, beyond=asked.beyond)
        shown = await _whole(storage, found, rules) if asked.whole else [Shown(one) for one in found]
        return Page(shown, found[-1].id if len(found) == limit else "")

    async def merge(asked: AskMerge) -> Edited:
        return Edited(await editing.merge(asked.ids, by=_OPERATOR))

    async def split(asked: AskSplit) -> Edited:
        return Edited(await editing.split(asked.id, asked.identifiers, by=_OPERATOR))

    desk.on(SHOW, show)
    desk.on(PAGE, page)
    desk.on(MERGE, merge)
    desk.on(SPLIT, split)


def editing_at_rest(storage: Storage, *, now: Callable[[], int]) -> Editing:
    """Changes the graph of a store that no router has open but this program."""
    return Editing(_AtRest(storage), storage.profiles, now=now, signals=Signals())


class _AtRest:
    """Commits where no identity actor runs. The rules of the spaces decide about events; edits do without."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def change(self, act: Callable[[Resolver], Awaitable[T]]) -> T:
        """Commit what `act` changes."""
        storage = self._storage
        resolver = Resolver(storage.profiles, storage.store_id, dict, memory_bytes=lambda: _MEMORY)
        result = await act(resolver)
        cursor = (await storage.facts()).inbox_cursor
        changes = await resolver.changes()
        if not await storage.commit(Commit(cursor, cursor, None, {}, profiles=changes)):
            raise StorageError("the store was changed by somebody else; try again")
        return result


async def _find(storage: Storage, sought: Sought) -> Profile | None:
    if sought.id:
        [found] = await storage.profiles.read([sought.id])
    else:
        key = Key(sought.space, sought.collection, sought.type, sought.value)
        [found] = await storage.profiles.owners([key])
    return found


async def _whole(
    storage: Storage, profiles: Sequence[Profile], rules: Callable[[], Mapping[str, ComputedRules]] | None
) -> list[Shown]:
    """The profiles with their traits and links."""
    traits = await storage.profiles.traits([one.id for one in profiles])
    shown = []
    for profile, values in zip(profiles, traits, strict=True):
        links = await storage.profiles.links(profile.id, limit=MOST_LINKS)
        ids = dict.fromkeys(one.account if one.user == profile.id else one.user for one in links)
        others = await storage.profiles.read(list(ids))
        today = None if rules is None else rules().get(profile.space, NO_RULES).by_name[profile.collection]
        kinds = class_of(values, today)
        lines = {
            name: TraitLine(Raw(one.json), one.at, one.source, kinds.get(name, ""))
            for name, one in sorted(values.values.items())
            if one.json is not None
        }
        shown.append(Shown(profile, lines, [one for one in others if one is not None]))
    return shown
