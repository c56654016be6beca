"""What every store promises."""

import asyncio

import pytest
from msgspec.structs import replace

from router.errors import StorageError
from router.storage.books import Standing
from router.storage.cursor import Cursor
from router.storage.outcome import OutcomeRecord, Run
from router.storage.segment import decode_segment
from router.storage.store import Settlement, Storage
from tests.contract.storage.samples import (
    delivered,
    draft,
    entry,
    fill,
    hash_of,
    letter,
    parked,
    positions,
    step,
)


async def test_positions_of_the_inbox_begin_at_zero_and_run_on_through_the_entries(store: Storage) -> None:
    assert await store.append([entry(3), entry(2)], {}) == 0

    assert await store.append([entry(1)], {}) == 5
    assert [one.position for one in await store.read_inbox(0, 1 << 20)] == [0, 3, 5]


async def test_an_entry_comes_back_as_it_was_given(store: Storage) -> None:
    given = entry(3, body=b"body" * 1000)

    await store.append([given], {})

    assert await store.read_inbox(0, 1) == [replace(given, position=0)]


async def test_reading_the_inbox_begins_with_the_entry_that_holds_the_position(store: Storage) -> None:
    await store.append([entry(3), entry(2), entry(4)], {})

    assert [one.position for one in await store.read_inbox(4, 1 << 20)] == [3, 5]


async def test_reading_the_inbox_stops_near_the_bytes_asked_for(store: Storage) -> None:
    for _ in range(4):
        await store.append([entry(1, body=b"x" * 100)], {})

    assert len(await store.read_inbox(0, 200)) == 2
    assert len(await store.read_inbox(0, 1)) == 1


async def test_reading_an_empty_inbox_finds_nothing(store: Storage) -> None:
    assert await store.read_inbox(0, 1 << 20) == []


async def test_an_append_without_entries_only_counts(store: Storage) -> None:
    await store.append((), {("refused", "website", "size"): 2})
    await store.append([], {("refused", "website", "size"): 1})

    assert await store.counters() == {("refused", "website", "size"): 3}
    assert (await store.facts()).inbox_next == 0


async def test_appends_at_the_same_time_share_no_position(store: Storage) -> None:
    firsts = await asyncio.gather(*(store.append([entry(2)], {}) for _ in range(20)))

    assert sorted(firsts) == list(range(0, 40, 2))


async def test_a_commit_moves_the_cursor_and_shows_the_segment(store: Storage) -> None:
    await store.append([entry(5)], {})

    assert await store.commit(step(0, 5, draft(0, 5), {("successfully_received", "website"): 5}))
    facts = await store.facts()
    assert (facts.inbox_cursor, facts.stream_next) == (5, 5)
    assert await store.counters() == {("successfully_received", "website"): 5}
    [segment] = await store.read_stream(0, 1 << 20)
    assert positions(decode_segment(segment.data)) == [0, 1, 2, 3, 4]


async def test_a_commit_takes_its_entries_out_of_the_inbox(store: Storage) -> None:
    await store.append([entry(2)], {})
    await store.append([entry(2)], {})

    await store.commit(step(0, 2, draft(0, 2)))

    assert [one.position for one in await store.read_inbox(0, 1 << 20)] == [2]
    assert (await store.facts()).inbox_first == 2


async def test_a_commit_from_another_cursor_is_a_conflict_and_writes_nothing(store: Storage) -> None:
    await fill(store, 5)

    assert not await store.commit(step(0, 5, draft(5, 5), {("a",): 1}))
    assert (await store.facts()).stream_next == 5
    assert ("a",) not in await store.counters()


async def test_a_commit_at_another_end_of_the_stream_is_a_conflict(store: Storage) -> None:
    await fill(store, 5)
    await store.append([entry(5)], {})

    assert not await store.commit(step(5, 10, draft(7, 5)))
    assert (await store.facts()).inbox_cursor == 5


async def test_a_commit_without_a_segment_moves_the_cursor_only(store: Storage) -> None:
    await store.append([entry(5)], {})

    assert await store.commit(step(0, 5, None))
    facts = await store.facts()
    assert (facts.inbox_cursor, facts.stream_next) == (5, 0)


async def test_a_commit_keeps_the_dead_letters_of_processing(store: Storage) -> None:
    await store.append([entry(1)], {})

    await store.commit(replace(step(0, 1, None), dead_letters=[letter(-1)]))

    assert [one.position for one in await store.dead_letters("crm", 10)] == [-1]


async def test_reading_the_stream_begins_with_the_segment_that_holds_the_position(store: Storage) -> None:
    await fill(store, 10, segments=3)

    assert [one.first_position for one in await store.read_stream(15, 1 << 20)] == [10, 20]


async def test_reading_the_stream_returns_at_least_one_segment(store: Storage) -> None:
    await fill(store, 10, segments=3)

    assert [one.first_position for one in await store.read_stream(10, 1)] == [10]


async def test_reading_behind_the_end_of_the_stream_finds_nothing(store: Storage) -> None:
    await fill(store, 10)

    assert await store.read_stream(10, 1 << 20) == []


async def test_a_committed_message_id_is_seen_at_its_position(store: Storage) -> None:
    await fill(store, 10, segments=2)

    assert await store.seen([hash_of(3), hash_of(500), hash_of(15)]) == [3, None, 15]
    assert await store.seen([]) == []


async def test_a_message_id_of_a_conflict_is_not_seen(store: Storage) -> None:
    await store.append([entry(5)], {})

    await store.commit(step(1, 5, draft(0, 5)))

    assert await store.seen([hash_of(3)]) == [None]


async def test_many_message_ids_are_all_seen_and_no_other(store: Storage) -> None:
    await fill(store, 50, segments=20)

    known = [hash_of(one) for one in range(1000)]
    unknown = [hash_of(one) for one in range(10_000, 11_000)]
    assert await store.seen(known) == list(range(1000))
    assert await store.seen(unknown) == [None] * 1000


async def test_a_message_is_found_with_its_place_and_time(store: Storage) -> None:
    await fill(store, 10, segments=2, at=5_000)

    sighting = await store.find_message(hash_of(12))
    assert sighting is not None
    assert (sighting.position, sighting.received_at) == (12, 5_000)
    assert await store.find_message(hash_of(99)) is None


async def test_a_destination_is_born_at_the_end_of_the_stream(store: Storage) -> None:
    await fill(store, 10)

    state = await store.born("crm", "webhook", None)

    assert (state.birth, state.cursor, list(state.parked)) == (10, Cursor(10), [])


async def test_a_destination_can_be_born_in_the_past(store: Storage) -> None:
    await fill(store, 10)

    assert (await store.born("crm", "webhook", 4)).cursor == Cursor(4)


async def test_a_destination_is_born_once(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.settle([delivered("crm", 0, 10)])

    state = await store.born("crm", "webhook", None)

    assert (state.birth, state.cursor) == (0, Cursor(10))


async def test_destinations_are_listed_also_when_retired(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await store.born("mail", "file", None)

    await store.retire("crm")

    assert [(one.name, one.kind) for one in await store.destinations()] == [
        ("crm", "webhook"),
        ("mail", "file"),
    ]


async def test_a_settlement_moves_cursor_counters_and_outcomes(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 20)
    cursor = Cursor(5, ((8, 10),))

    await store.settle([replace(delivered("crm", 0, 5), cursor=cursor)])

    assert (await store.destinations())[0].cursor == cursor
    assert (await store.counters())["delivered", "crm"] == 5
    assert [record.runs[0].count for record in await store.outcomes("crm", 0, 100)] == [5]


async def test_outcomes_are_those_that_touch_the_range(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 30)
    for first in (0, 10, 20):
        await store.settle([delivered("crm", first, first + 10)])

    assert [one.runs[0].first for one in await store.outcomes("crm", 5, 15)] == [0, 10]
    assert [one.runs[0].first for one in await store.outcomes("crm", 10, 20)] == [10]
    assert await store.outcomes("other", 0, 100) == []


async def test_settlements_of_several_destinations_are_written_together(store: Storage) -> None:
    for name in ("crm", "mail"):
        await store.born(name, "webhook", None)
    await fill(store, 10)

    await store.settle([delivered("crm", 0, 10), delivered("mail", 0, 4)])

    assert [one.cursor.floor for one in await store.destinations()] == [10, 4]


async def test_a_settlement_of_an_unknown_destination_is_refused_and_writes_nothing(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)

    with pytest.raises(StorageError, match="mail"):
        await store.settle([delivered("crm", 0, 10), delivered("mail", 0, 10)])

    assert (await store.destinations())[0].cursor == Cursor(0)


async def test_parked_rows_are_added_replaced_and_removed(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    base = Settlement("crm", Cursor(5), None, {})

    await store.settle([replace(base, park=[parked(3), parked(1), parked(2)])])
    await store.settle([replace(base, park=[parked(3, attempts=2)], unpark=[1])])

    rows = await store.parked("crm")
    assert [(one.position, one.attempts) for one in rows] == [(2, 1), (3, 2)]
    assert list((await store.born("crm", "webhook", None)).parked) == rows
    assert rows[0].keys == ("uu1", "aa1")


async def test_dead_letters_come_newest_first_with_an_id(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)

    await store.settle(
        [Settlement("crm", Cursor(3), None, {}, dead_letters=[letter(0), letter(1), letter(2)])]
    )

    letters = await store.dead_letters(None, 2)
    assert [one.position for one in letters] == [2, 1]
    assert letters[0].id > letters[1].id > 0
    assert replace(letters[0], id=0) == letter(2)
    assert await store.dead_letters("mail", 10) == []


async def test_counters_of_all_verbs_add_up(store: Storage) -> None:
    await store.append([entry(1)], {("a", "b"): 1})
    await store.commit(step(0, 1, draft(0, 1), {("a", "b"): 2}))
    await store.born("crm", "webhook", None)

    await store.settle([Settlement("crm", Cursor(1), None, {("a", "b"): 3})])

    assert (await store.counters())["a", "b"] == 6


async def test_the_facts_tell_the_latest_time_of_either_log(store: Storage) -> None:
    await store.append([entry(1, at=7_000)], {})

    assert (await store.facts()).latest_received_at == 7_000


async def test_the_facts_tell_how_far_the_logs_reach(store: Storage) -> None:
    await fill(store, 10, segments=2)
    await store.append([entry(3)], {})

    facts = await store.facts()

    assert (facts.inbox_first, facts.inbox_next, facts.inbox_cursor) == (20, 23, 20)
    assert (facts.stream_first, facts.stream_next) == (0, 20)
    assert facts.is_writable
    assert facts.inbox_bytes > 0
    assert facts.stream_bytes > 0


async def test_the_store_has_an_id_of_sixteen_bytes(store: Storage) -> None:
    assert len(store.store_id) == 16


async def test_closing_twice_is_harmless(store: Storage) -> None:
    await store.close()
    await store.close()


async def test_the_books_hold_both_logs_the_counters_and_where_destinations_stand(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.append([entry(3)], {})

    await store.settle([replace(delivered("crm", 0, 5), park=[parked(2), parked(7)])])

    books = await store.books()
    assert (books.inbox_cursor, books.inbox_lost, books.stream_next) == (10, 0, 10)
    assert books.counts() == {("accepted", "crm"): 5, ("delivered", "crm"): 5}
    assert books.destinations == (Standing("crm", 0, Cursor(5), 1),)  # the other one is not passed yet


async def test_a_trace_tells_what_every_destination_did_with_an_event(store: Storage) -> None:
    for name in ("crm", "mail"):
        await store.born(name, "webhook", None)
    await fill(store, 20)
    await store.settle([replace(delivered("crm", 0, 10), park=[parked(12)])])

    crm, mail = await store.traces(5, ())

    assert (crm.destination, crm.kind, crm.birth, crm.is_retired, crm.cursor) == (
        "crm", "webhook", 0, False, Cursor(10),
    )  # fmt: skip
    assert [record.runs[0].outcome for record in crm.records] == ["delivered"]
    assert (mail.records, mail.cursor) == ([], Cursor(0))


async def test_a_trace_knows_a_parked_event_and_what_waits_behind_it(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 20)
    await store.settle([Settlement("crm", Cursor(0), None, {}, park=[parked(12), parked(14)])])

    [itself] = await store.traces(12, ("uu1",))
    [behind] = await store.traces(15, ("uu1",))
    [other] = await store.traces(15, ("uu2",))

    assert itself.parked == parked(12)
    assert (itself.barrier, behind.barrier, other.barrier) == (None, 12, None)


async def test_one_parked_row_is_found_by_its_place(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 20)
    await store.settle([Settlement("crm", Cursor(0), None, {}, park=[parked(12)])])

    assert await store.parked_at("crm", 12) == parked(12)
    assert await store.parked_at("crm", 13) is None
    assert await store.parked_at("mail", 12) is None


async def test_a_record_whose_runs_lie_far_apart_is_found_at_each_of_them(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    runs = (Run(0, 1, "dead", "400"), Run(90_000, 5, "delivered"), Run(200_000, 50_000, "expired", "gone"))
    await store.settle([Settlement("crm", Cursor(250_000), OutcomeRecord(1, runs), {})])

    found = {
        place: [run.outcome for one in await store.outcomes("crm", place, place + 1) for run in one.runs]
        for place in (0, 90_004, 200_000, 249_999)
    }

    assert all(runs for runs in found.values())
    assert await store.outcomes("crm", 50, 60) == []
    assert await store.outcomes("crm", 100_000, 150_000) == []
