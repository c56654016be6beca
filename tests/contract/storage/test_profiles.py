"""The identity graph in every store: fresh from its commit, and once it lies in its tables."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from router.storage.profile import Key, Link, Profile, Traits
from router.storage.profile_changes import ProfileChanges
from router.storage.profile_follower import ProfileFollower, ProfileLog
from router.storage.store import Storage
from tests.contract.storage.graphs import id_of, key, made, owned, profile, told, trait, write
from tests.contract.storage.samples import draft, entry, step

Settle = Callable[[], Awaitable[None]]


@pytest.fixture(params=["fresh", "settled"])
def settle(request: pytest.FixtureRequest, store: Storage) -> Settle:
    """Called between two commits: brings what is pending into its tables, or not."""

    async def settle() -> None:
        flush = getattr(store.profiles, "flush", None)
        if request.param == "settled" and flush is not None:
            await flush()

    return settle


async def test_the_owner_of_an_identifier_is_found(store: Storage, settle: Settle) -> None:
    ann, bob = profile(store, 0, "ann", "ann@x.io"), profile(store, 1, "bob")
    await write(store, made(ann, bob))
    await settle()

    found = await store.profiles.owners([key("bob"), key("nobody"), key("ann@x.io"), key("ann")])

    assert found == [bob, None, ann, ann]


async def test_an_identifier_counts_within_its_space_collection_and_type(
    store: Storage, settle: Settle
) -> None:
    await write(store, made(profile(store, 0, "ann")))
    await settle()

    others = [
        key("ann", "email"),
        key("ann", space="other"),
        key("ann", collection="accounts"),
        key("Ann"),
    ]
    assert await store.profiles.owners(others) == [None] * 4


async def test_a_profile_is_found_by_its_id(store: Storage, settle: Settle) -> None:
    user, account = profile(store, 0, "ann"), profile(store, 0, "acme", collection="accounts")
    await write(store, made(user, account))
    await settle()

    found = await store.profiles.read([account.id, "use_nobody", id_of(store, 7), user.id])

    assert found == [account, None, None, user]
    assert account.id[:4] == "gro_"
    assert user.id[:4] == "use_"


async def test_the_newest_state_of_a_profile_is_read(store: Storage, settle: Settle) -> None:
    await write(store, made(profile(store, 0, "ann")))
    await settle()
    grown = profile(store, 0, "ann", "ann@x.io", updated_at=3000, last_message_id="m12")
    await write(store, ProfileChanges(profiles=[grown], gained=[(key("ann@x.io"), grown.id)]))

    assert await store.profiles.owners([key("ann"), key("ann@x.io")]) == [grown, grown]


async def test_everything_of_a_merged_profile_leads_to_the_survivor(store: Storage, settle: Settle) -> None:
    """identity 22"""
    one, two, three = (profile(store, position, f"u{position}") for position in range(3))
    await write(store, made(one, two, three))
    await settle()
    both = profile(store, 1, "u1", "u2", absorbed=(three.id,))
    await write(store, ProfileChanges(profiles=[both], merged=[(three.id, two.id)]))
    await settle()
    all_three = profile(store, 0, "u0", "u1", "u2", absorbed=(two.id, three.id))
    merged = [(two.id, one.id), (three.id, one.id)]
    await write(store, ProfileChanges(profiles=[all_three], merged=merged))

    assert await store.profiles.owners([key("u0"), key("u1"), key("u2")]) == [all_three] * 3
    assert await store.profiles.read([one.id, two.id, three.id]) == [all_three] * 3


async def test_the_traits_of_a_profile_are_read(store: Storage, settle: Settle) -> None:
    ann, bob = profile(store, 0, "ann"), profile(store, 1, "bob")
    traits = Traits({"plan": trait(b'"gold"'), "city": trait(None, 9)}, {"ads": True, "sale": False}, 7)
    await write(store, made(ann, bob, traits=[(ann.id, traits)]))
    await settle()

    assert await store.profiles.traits([bob.id, ann.id, "use_nobody"]) == [Traits(), traits, Traits()]


async def test_the_traits_of_a_merged_profile_go(store: Storage, settle: Settle) -> None:
    one, two = profile(store, 0, "u0"), profile(store, 1, "u1")
    old, new = Traits({"plan": trait(b'"free"')}), Traits({"plan": trait(b'"gold"', 9)})
    await write(store, made(one, two, traits=[(one.id, old), (two.id, new)]))
    await settle()
    both = profile(store, 0, "u0", "u1", absorbed=(two.id,))
    changes = ProfileChanges(profiles=[both], merged=[(two.id, one.id)], traits=[(one.id, new)])
    await write(store, changes)

    assert await store.profiles.traits([one.id, two.id]) == [new, new]


async def test_the_traits_of_a_survivor_that_has_none_of_its_own_stay_away(
    store: Storage, settle: Settle
) -> None:
    one, two = profile(store, 0, "u0"), profile(store, 1, "u1")
    await write(store, made(one, two, traits=[(one.id, Traits({"plan": trait(b"1")}))]))
    await settle()
    both = profile(store, 0, "u0", "u1", absorbed=(two.id,))
    await write(store, ProfileChanges(profiles=[both], merged=[(two.id, one.id)]))

    assert (await store.profiles.traits([two.id]))[0].values == {"plan": trait(b"1")}


async def test_links_are_found_from_both_ends(store: Storage, settle: Settle) -> None:
    """identity 16"""
    ann, bob = profile(store, 0, "ann"), profile(store, 1, "bob")
    acme = profile(store, 2, "acme", collection="accounts")
    links = [Link(ann.id, acme.id, 5), Link(bob.id, acme.id, 6)]
    await write(store, made(ann, bob, acme, links=links))
    await settle()

    assert await store.profiles.links(ann.id, limit=20) == links[:1]
    assert set(await store.profiles.links(acme.id, limit=20)) == set(links)
    pages = [await store.profiles.links(acme.id, limit=1, skip=skip) for skip in range(3)]
    assert [len(page) for page in pages] == [1, 1, 0]
    asked = [links[1], Link(bob.id, ann.id), Link(ann.id, acme.id, 99)]
    assert await store.profiles.linked(asked) == [True, False, True]


async def test_the_links_of_a_merged_profile_lead_to_the_survivor(store: Storage, settle: Settle) -> None:
    ann, bob = profile(store, 0, "ann"), profile(store, 1, "bob")
    acme = profile(store, 2, "acme", collection="accounts")
    await write(store, made(ann, bob, acme, links=[Link(bob.id, acme.id, 6)]))
    await settle()
    both = profile(store, 0, "ann", "bob", absorbed=(bob.id,))
    await write(store, ProfileChanges(profiles=[both], merged=[(bob.id, ann.id)]))

    assert await store.profiles.links(ann.id, limit=20) == [Link(ann.id, acme.id, 6)]
    assert await store.profiles.links(acme.id, limit=20) == [Link(ann.id, acme.id, 6)]


async def test_an_identifier_that_was_lost_may_go_to_another_profile(store: Storage, settle: Settle) -> None:
    ann = profile(store, 0, "ann", "old")
    await write(store, made(ann))
    await settle()
    rest = profile(store, 0, "ann")
    await write(store, ProfileChanges(profiles=[rest], lost=[(key("old"), ann.id)]))
    await settle()
    assert await store.profiles.owners([key("old"), key("ann")]) == [None, rest]
    new = profile(store, 5, "old")
    await write(store, made(new))

    assert await store.profiles.owners([key("old"), key("ann")]) == [new, rest]


async def test_a_deleted_profile_is_gone_with_its_traits_and_links(store: Storage, settle: Settle) -> None:
    ann, acme = profile(store, 0, "ann"), profile(store, 1, "acme", collection="accounts")
    traits = [(ann.id, Traits({"plan": trait(b"1")}))]
    await write(store, made(ann, acme, traits=traits, links=[Link(ann.id, acme.id)]))
    await settle()
    await write(store, ProfileChanges(deleted=[ann.id], lost=owned(ann)))
    await settle()

    assert await store.profiles.owners([key("ann")]) == [None]
    assert await store.profiles.read([ann.id]) == [None]
    assert await store.profiles.traits([ann.id]) == [Traits()]
    assert await store.profiles.links(acme.id, limit=9) == []


async def test_living_profiles_are_listed_page_by_page(store: Storage, settle: Settle) -> None:
    users = [profile(store, position, f"u{position}") for position in range(5)]
    others = [profile(store, 8, "acme", collection="accounts"), profile(store, 9, "x", space="other")]
    await write(store, made(*users, *others))
    await settle()
    merged = replace(users[0], absorbed=(users[4].id,))
    await write(store, ProfileChanges(profiles=[merged], merged=[(users[4].id, users[0].id)]))

    found: list[Profile] = []
    while page := await store.profiles.pages(
        "default", "users", limit=3, beyond=found[-1].id if found else ""
    ):
        found += page
    assert sorted(one.id for one in found) == sorted(one.id for one in users[:4])


async def test_the_types_of_a_space_are_kept_once(store: Storage) -> None:
    new = [("default", "users", "foo_id"), ("default", "accounts", "crm_id"), ("other", "users", "x")]
    await write(store, ProfileChanges(types=new))  # type: ignore[arg-type]
    await write(store, ProfileChanges(types=new[:1]))  # type: ignore[arg-type]

    assert await store.profiles.types("default") == [("accounts", "crm_id"), ("users", "foo_id")]


async def test_the_log_is_read_from_a_number_on(store: Storage) -> None:
    log = [told(store, position) for position in range(5)]
    await write(store, ProfileChanges(log=log[:3]))
    await write(store, ProfileChanges(log=log[3:]))

    assert await store.profiles.next_change() == 5
    expected = [replace(change, number=number) for number, change in enumerate(log)]
    assert await store.profiles.changes(0, 100) == expected
    assert await store.profiles.changes(1, 3) == expected[1:4]
    assert await store.profiles.changes(5, 100) == []


async def test_a_follower_reads_the_log_at_its_own_pace_and_waits_for_more(store: Storage) -> None:
    await write(store, ProfileChanges(log=[told(store, position) for position in range(5)]))
    log = ProfileLog(store.profiles)
    follower = ProfileFollower(log, 0)

    first, rest = await follower.read(limit=2), await follower.read()
    waiting = asyncio.ensure_future(follower.read())
    await asyncio.sleep(0)
    log.told()  # a false alarm
    await log.read(0)
    assert not waiting.done()
    await write(store, ProfileChanges(log=[told(store, 5)]))
    log.told()
    last = await asyncio.wait_for(waiting, 10)

    assert [[one.number for one in found.changes] for found in (first, rest, last)] == [
        [0, 1],
        [2, 3, 4],
        [5],
    ]
    assert [(one.first, one.after, one.gone) for one in (first, rest)] == [(0, 2, None), (2, 5, None)]
    assert follower.number == 6


async def test_the_place_of_a_named_follower_is_kept(store: Storage) -> None:
    await write(store, ProfileChanges(log=[told(store, position) for position in range(5)]))
    log = ProfileLog(store.profiles)
    one = await ProfileFollower.named(log, "sync")
    await one.read(limit=3)
    await one.keep()
    await one.read(limit=1)

    again = await ProfileFollower.named(log, "sync")
    other = await ProfileFollower.named(log, "other")

    assert (again.number, other.number) == (3, 0)
    await ProfileFollower(log, 4).keep()
    await store.profiles.move_cursor("sync", None)
    await store.profiles.move_cursor("never there", None)
    assert await store.profiles.cursor("sync") is None
    assert await store.profiles.cursor("") is None


async def test_a_follower_beyond_the_end_reads_nothing(store: Storage) -> None:
    log = ProfileLog(store.profiles)

    assert (await log.read(7)).changes == ()
    assert (await ProfileFollower.named(log, "sync")).number == 0


async def test_the_graph_is_written_with_the_segment_or_not_at_all(store: Storage) -> None:
    await store.append([entry(5)], {})
    ann = profile(store, 0, "ann")

    assert not await store.commit(replace(step(3, 5, draft(0, 5)), profiles=made(ann, log=[told(store, 0)])))
    assert await store.profiles.owners([key("ann")]) == [None]
    assert await store.profiles.next_change() == 0
    assert await store.commit(replace(step(0, 5, draft(0, 5)), profiles=made(ann)))
    assert await store.profiles.owners([key("ann")]) == [ann]


async def test_odd_text_is_an_identifier_like_any_other(store: Storage, settle: Settle) -> None:
    odd = ["\0", "a\0b", "ünïcode 🙂", " ", "x" * 500]
    ann = profile(store, 0, *odd)
    await write(store, made(ann))
    await settle()

    found = await store.profiles.owners([key(one) for one in odd])
    assert [one and one.id for one in found] == [ann.id] * len(odd)


async def test_an_empty_question_has_an_empty_answer(store: Storage) -> None:
    none: list[Key] = []
    assert await store.profiles.owners(none) == []
    assert await store.profiles.read([]) == []
    assert await store.profiles.traits([]) == []
    assert await store.profiles.linked([]) == []
