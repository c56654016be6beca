"""What is computed of a profile, in every store: fresh from its commit, and once it lies in its tables."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from router.storage.computed_state import ComputedState
from router.storage.profile import Traits
from router.storage.profile_changes import ProfileChanges
from router.storage.store import Storage
from tests.contract.storage.graphs import id_of, made, profile, trait, write

Settle = Callable[[], Awaitable[None]]
CELLS = {
    "count": {0: 5, -3: 1},
    "sum": {123456: ("10.5", 3)},
    "first": {0: (5, 6, "m1", '"ü"')},
    "unique": {0: {'"a"': 2, "7": 1}},
}


@pytest.fixture(params=["fresh", "settled"])
def settle(request: pytest.FixtureRequest, store: Storage) -> Settle:
    """Called between two commits: brings what is pending into its tables, or not."""

    async def settle() -> None:
        flush = getattr(store.profiles, "flush", None)
        if request.param == "settled" and flush is not None:
            await flush()

    return settle


def state(kind: str = "count", due_at: int = 0) -> ComputedState:
    return ComputedState("f1", kind, 3_600_000, dict(CELLS[kind]), b"5", 7, due_at, 2, 9)  # type: ignore[arg-type]


async def due_at(store: Storage, *times: int) -> list[str]:
    """Commit profiles of whom something is due at these times; their ids."""
    people = [profile(store, number, f"u{number}", has_traits=True) for number in range(len(times))]
    traits = [
        (one.id, Traits(computed={"orders": state(due_at=at)})) for one, at in zip(people, times, strict=True)
    ]
    await write(store, made(*people, traits=traits))
    return [one.id for one in people]


@pytest.mark.parametrize("kind", CELLS)
async def test_a_state_is_read_as_it_was_written(store: Storage, settle: Settle, kind: str) -> None:
    ann = profile(store, 0, "ann", has_traits=True)
    traits = Traits({"orders": trait(b"5")}, {"ads": True}, 3, {"orders": state(kind, 99)})
    await write(store, made(ann, traits=[(ann.id, traits)]))
    await settle()

    [found] = await store.profiles.traits([ann.id])

    own = found.computed["orders"]
    cells = {place: tuple(cell) if isinstance(cell, list) else cell for place, cell in own.cells.items()}
    assert cells == CELLS[kind]
    assert replace(own, cells={}) == replace(state(kind, 99), cells={})
    assert (found.values, found.consent) == (traits.values, traits.consent)


async def test_whose_time_has_come_is_found_those_first_that_wait_longest(
    store: Storage, settle: Settle
) -> None:
    ids = await due_at(store, 300, 100, 0, 200, 400)
    await settle()

    assert await store.profiles.due(99, 10) == []
    assert await store.profiles.due(300, 10) == [ids[1], ids[3], ids[0]]
    assert await store.profiles.due(300, 2) == [ids[1], ids[3]]


async def test_who_was_looked_at_is_not_due_any_more(store: Storage, settle: Settle) -> None:
    ids = await due_at(store, 100, 100)
    await settle()

    later = [(ids[0], Traits(computed={"orders": state(due_at=500)})), (ids[1], Traits())]
    await write(store, ProfileChanges(traits=later))
    await settle()

    assert await store.profiles.due(499, 10) == []
    assert await store.profiles.due(500, 10) == [ids[0]]


async def test_who_is_merged_or_deleted_is_not_due(store: Storage, settle: Settle) -> None:
    ids = await due_at(store, 100, 100, 100)
    await settle()
    survivor = profile(store, 0, "u0", "u1", absorbed=(ids[1],), has_traits=True)

    await write(store, ProfileChanges(profiles=[survivor], merged=[(ids[1], ids[0])], deleted=[ids[2]]))
    await settle()

    assert await store.profiles.due(100, 10) == [ids[0]]
    [gone] = await store.profiles.traits([id_of(store, 2)])
    assert gone.computed == {}
