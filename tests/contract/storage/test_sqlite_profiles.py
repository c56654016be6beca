"""The graph in SQLite: what is pending survives crashes, is written in short turns, and is never read twice."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from router.errors import StorageError, StoreUnavailable
from router.storage.profile import Link, Traits
from router.storage.profile_changes import ProfileChanges
from router.storage.profile_follower import ProfileFollower, ProfileLog
from router.storage.profile_ids import birth_of
from router.storage.sqlite import read_ahead
from router.storage.sqlite.graph import applying, profiles, tables
from router.storage.sqlite.store import SqliteStorage
from tests.contract.storage.faults import Fault, Opened, broken
from tests.contract.storage.graphs import key, made, profile, told, trait, write
from tests.contract.storage.samples import fill


def pending(store: SqliteStorage) -> Any:
    return store.profiles._readers.read(
        lambda database: database.execute("SELECT count(*) FROM profile_pending").fetchone()[0]
    )


def people(store: SqliteStorage, first: int, count: int) -> ProfileChanges:
    return made(*(profile(store, one, f"u{one}", f"u{one}@x.io") for one in range(first, first + count)))


async def test_what_is_pending_is_there_after_a_crash(opened: Opened) -> None:
    async with opened() as store:
        ann, bob = profile(store, 0, "ann"), profile(store, 1, "bob")
        acme = profile(store, 2, "acme", collection="accounts")
        await write(store, made(ann, bob, acme, links=[Link(ann.id, acme.id, 3)]))
        both = profile(store, 0, "ann", "bob", absorbed=(bob.id,))
        traits = [(ann.id, Traits({"plan": trait(b"1")}))]
        await write(store, ProfileChanges(profiles=[both], merged=[(bob.id, ann.id)], traits=traits))
        assert await pending(store) == 2

    async with opened() as store:
        assert await store.profiles.owners([key("bob")]) == [both]
        assert (await store.profiles.traits([bob.id]))[0].values == {"plan": trait(b"1")}
        assert await store.profiles.linked([Link(ann.id, acme.id)]) == [True]


async def test_a_round_that_a_crash_interrupts_is_written_again(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "STEP_SECONDS", 0)  # nothing but the first look at the clock: no statement
    async with opened() as store:
        await write(store, people(store, 0, 20))
        round_ = store.profiles._advance()
        round_._step = _half(round_)
        with pytest.raises(StorageError):
            await round_.wait()

    monkeypatch.undo()
    async with opened() as store:
        await write(store, people(store, 20, 20))
        await store.profiles.flush()
        found = await store.profiles.owners([key(f"u{one}") for one in range(40)])
        assert all(found)
        assert await pending(store) == 0


def _half(round_: Any) -> Any:
    def step(database: Any, state: Any) -> int:
        for make in round_._writes[:30]:
            database.execute(*make())
        if round_._at:
            raise StoreUnavailable("killed")
        return 30

    return step


async def test_the_tables_are_filled_beside_the_commits(opened: Opened) -> None:
    async with opened() as store:
        for first in range(0, profiles.ROUND_ROWS, 100):
            await write(store, people(store, first, 100))
        while await pending(store) > 12:
            await asyncio.sleep(0)

        assert all(await store.profiles.owners([key(f"u{one}") for one in range(profiles.ROUND_ROWS)]))


async def test_no_turn_is_long_whatever_a_commit_brings(opened: Opened) -> None:
    async with opened() as store:
        held: list[float] = []
        plain = store._writer._turn

        def timed(work: Any, database: Any) -> Any:
            begin = time.thread_time()
            try:
                return plain(work, database)
            finally:
                held.append(time.thread_time() - begin)

        store._writer._turn = timed
        await write(store, people(store, 0, 5000))
        await store.profiles.flush()

        assert len(held) > 5
        assert sorted(held)[len(held) // 2] < 0.01  # 2 ms of rows, on a machine that has other things to do


async def test_a_commit_whose_answer_was_lost_is_read_all_the_same(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        await write(store, people(store, 0, 1))
        fault.at["committed"] = broken()
        with pytest.raises(StoreUnavailable):
            await write(store, people(store, 1, 1))

        found = await store.profiles.owners([key("u0"), key("u1")])
        await write(store, people(store, 2, 1))
        await store.profiles.flush()
        assert all(found)
        assert all(await store.profiles.owners([key("u0"), key("u1"), key("u2")]))


async def test_a_round_goes_on_when_the_disk_is_back(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        await write(store, people(store, 0, 10))
        fault.at["step"] = broken()
        with pytest.raises(StoreUnavailable):
            await store.profiles.flush()
        assert all(await store.profiles.owners([key("u0"), key("u9")]))

        await store.profiles.flush()
        assert await pending(store) == 0
        assert all(await store.profiles.owners([key("u0"), key("u9")]))


async def test_the_log_goes_with_the_retention(opened: Opened) -> None:
    async with opened(retention=1, dedupe_window=0) as store:
        for at in (1_000, 2_000, 5_000):
            await fill(store, 1, at=at)
            await write(store, ProfileChanges(log=[told(store, at), told(store, at)]))
        await store.trim()

        kept = await store.profiles.changes(0, 10)
        assert [one.number for one in kept] == [4, 5]
        assert await store.profiles.next_change() == 6


async def test_a_follower_that_comes_too_late_is_told_exactly_what_is_gone(opened: Opened) -> None:
    async with opened(retention=1, dedupe_window=0) as store:
        for at in (1_000, 2_000, 5_000):
            await fill(store, 1, at=at)
            await write(store, ProfileChanges(log=[told(store, at), told(store, at)]))
        await store.trim()
        late = ProfileFollower(ProfileLog(store.profiles), 1)

        found = await late.read()

        assert (found.first, found.after, found.gone) == (1, 6, (1, 4))
        assert [one.number for one in found.changes] == [4, 5]
        new = await ProfileFollower.named(ProfileLog(store.profiles), "sync")
        assert (await new.read()).gone is None


async def test_a_log_of_which_nothing_is_left_is_told_as_gone(opened: Opened) -> None:
    async with opened(retention=1, dedupe_window=0) as store:
        await fill(store, 1, at=1_000)
        await write(store, ProfileChanges(log=[told(store, 1), told(store, 1)]))
        await fill(store, 1, at=9_000)
        await store.append([], {})
        await fill(store, 1, at=10_000)
        await store.trim()
        log = ProfileLog(store.profiles)

        found = await ProfileFollower(log, 0).read()

        assert (found.after, found.changes, found.gone) == (2, (), (0, 2))
        assert (await ProfileFollower.named(log, "sync")).number == 2


async def test_a_cursor_outlives_the_process(opened: Opened) -> None:
    async with opened() as store:
        await store.profiles.move_cursor("sync", 7)
    async with opened() as store:
        assert await store.profiles.cursor("sync") == 7


async def test_two_identifiers_of_one_hash_are_told_apart(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tables", "profiles"):
        monkeypatch.setattr(f"router.storage.sqlite.graph.{module}.identifier_hash", lambda store_id, key: 7)
    async with opened() as store:
        ann, bob = profile(store, 0, "ann"), profile(store, 1, "bob")
        await write(store, made(ann, bob))
        await store.profiles.flush()

        assert await store.profiles.owners([key("bob"), key("ann"), key("eve")]) == [bob, ann, None]


async def test_profiles_of_a_closed_store_are_out_of_reach(opened: Opened) -> None:
    async with opened() as store:
        pass

    with pytest.raises(StoreUnavailable):
        store.profiles  # noqa: B018


@pytest.mark.parametrize("is_pending", [False, True])
async def test_answers_are_the_same_when_all_of_them_come_from_the_disk(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, is_pending: bool
) -> None:
    monkeypatch.setattr(read_ahead, "blocks_read", itertools.count().__next__)
    async with opened() as store:
        await write(store, people(store, 0, 3000))
        ann, bob, acme = (profile(store, one, f"u{one}", f"u{one}@x.io") for one in (7, 8, 9))
        both = profile(store, 7, "u7", "u8", absorbed=(bob.id,))
        await store.profiles.flush()
        store._writer.checkpoint_soon()
        await store._writer.wait_for_checkpoint()
        merge = ProfileChanges(
            profiles=[both],
            merged=[(bob.id, ann.id)],
            traits=[(ann.id, Traits({"plan": trait(b"1")}))],
            links=[Link(ann.id, acme.id, 3)],
        )
        await write(store, merge)
        if not is_pending:
            await store.profiles.flush()

        keys = [key(f"u{one}") for one in range(3100)]
        found = await store.profiles.owners(keys)
        assert found[7] == found[8] == both
        assert [one is None for one in found] == [False] * 3000 + [True] * 100
        ids = [bob.id, acme.id, ann.id]
        assert [one and one.id for one in await store.profiles.read(ids)] == [ann.id, acme.id, ann.id]
        assert [bool(one) for one in await store.profiles.traits(ids)] == [True, False, True]
        links = [Link(ann.id, acme.id), Link(bob.id, acme.id), Link(acme.id, ann.id), Link("nobody", ann.id)]
        assert await store.profiles.linked(links) == [True, False, True, False]
        assert store._ahead.asked > 0


async def test_a_page_is_full_although_profiles_go_while_it_is_read(opened: Opened) -> None:
    async with opened() as store:
        await write(store, people(store, 0, 6))
        one, two, three = (profile(store, number, f"u{number}") for number in (0, 1, 2))
        changes = ProfileChanges(merged=[(two.id, one.id)], deleted=[three.id])
        store.profiles.read = _behind(write(store, changes), store.profiles.read)  # type: ignore[method-assign]

        found = await store.profiles.pages("default", "users", limit=4)

        assert [birth_of(store.store_id, each.id) for each in found] == [0, 3, 4, 5]


def _behind(first: Awaitable[Any], then: Callable[[Sequence[str]], Awaitable[Any]]) -> Any:
    waiting = [first]

    async def read(ids: Sequence[str]) -> Any:
        while waiting:
            await waiting.pop()
        return await then(ids)

    return read


async def test_a_small_space_among_others_is_found_in_short_looks(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "ROWS_LOOKED_AT", 3)
    async with opened() as store:
        small = [profile(store, number, f"u{number}", space="small") for number in (7, 19)]
        others = [profile(store, number, f"u{number}") for number in range(20) if number not in (7, 19)]
        await write(store, made(*small, *others))

        assert await store.profiles.pages("small", "users", limit=9) == small
        assert await store.profiles.pages("small", "users", limit=1) == small[:1]
        assert await store.profiles.pages("small", "users", limit=1, beyond=small[0].id) == small[1:]
        assert await store.profiles.pages("none", "users", limit=9) == []
