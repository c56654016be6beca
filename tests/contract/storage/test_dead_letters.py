"""Dead letters: every store finds, revives and drops them alike."""

from collections.abc import Sequence

import pytest
from msgspec import Raw
from msgspec.structs import replace

from router.events.calls import Identify, Track
from router.events.profile import ProfileSnapshot, pack
from router.storage.cursor import Cursor
from router.storage.dead_letters import SLICE, LetterLine, LetterQuery
from router.storage.letters import DeadLetter
from router.storage.outcome import OutcomeRecord, Run
from router.storage.segment import decode_segment
from router.storage.store import Settlement, Storage
from router.telemetry.conservation import conservation
from tests.contract.storage.samples import fill


def letter(position: int, *, destination: str = "crm", reason: str = "400", user: str = "u1") -> DeadLetter:
    event = Track(
        event=f"E{position % 2}",
        message_id=f"m{position}",
        user_id=user,
        received_at="2030-03-17T17:46:40.000Z",
        timestamp="2030-03-17T17:46:40.000Z",
    )
    return DeadLetter(
        destination,
        position,
        f"m{position}",
        reason,
        3,
        5_000,
        6_000 + position,
        event.json,
        source="website",
    )


async def bury(store: Storage, *letters: DeadLetter, counts: bool = True) -> list[LetterLine]:
    """Have destinations give up these events, and everything else delivered; the lines, oldest first."""
    facts = await store.facts()
    if not facts.stream_next:
        await store.born("crm", "hook", None)
        await store.born("mail", "hook", None)
        await fill(store, 200)
    for name in ("crm", "mail"):
        mine = [one for one in letters if one.destination == name]
        runs = tuple(Run(one.position, 1, "dead", one.reason, one.attempts) for one in mine)
        amounts = {("accepted", name): 200, ("delivered", name): 200 - len(mine)}
        for one in mine:
            key = ("dead", name, one.reason)
            amounts[key] = amounts.get(key, 0) + 1  # type: ignore[index]
        await store.settle(
            [Settlement(name, Cursor(200), OutcomeRecord(7_000, runs), amounts, dead_letters=mine)]
        )
    return await store.letters.find(LetterQuery(), limit=1000, newest_first=False)


def ids(lines: Sequence[LetterLine]) -> list[str]:
    return [line.message_id for line in lines]


async def test_a_line_tells_what_a_list_shows(store: Storage) -> None:
    [line] = await bury(store, letter(3))

    assert replace(line, id=0) == LetterLine(0, 6_003, "crm", "400", 3, "E1", "u1", "m3", 3)


async def test_a_call_without_an_event_name_is_listed_by_its_type(store: Storage) -> None:
    event = Identify(message_id="m1", anonymous_id="a1", received_at="r", timestamp="t")

    [line] = await bury(store, replace(letter(1), event=event.json))

    assert (line.event, line.user) == ("identify", "a1")


@pytest.mark.parametrize("event", [b"", b"no json", b"[]", b'{"type":1}', b'{"event":{},"userId":[1]}'])
async def test_a_letter_is_listed_whatever_its_event_looks_like(store: Storage, event: bytes) -> None:
    assert ids(await bury(store, replace(letter(1), event=event))) == ["m1"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (LetterQuery(), ["m1", "m2", "m3", "m4"]),
        (LetterQuery(destination="mail"), ["m4"]),
        (LetterQuery(reason="404"), ["m2"]),
        (LetterQuery(event="E1"), ["m1", "m3"]),
        (LetterQuery(user="u9"), ["m3"]),
        (LetterQuery(message_id="m2"), ["m2"]),
        (LetterQuery(since=6_002), ["m2", "m3", "m4"]),
        (LetterQuery(until=6_002), ["m1"]),
        (LetterQuery(destination="crm", reason="400", event="E1", user="u1"), ["m1"]),
        (LetterQuery(message_id="m2", reason="400"), []),
        (LetterQuery(destination="' OR 1=1 --"), []),
    ],
)
async def test_letters_are_found_by_what_is_said_of_them(
    store: Storage, wanted: LetterQuery, found: list[str]
) -> None:
    await bury(store, letter(1), letter(2, reason="404"), letter(3, user="u9"), letter(4, destination="mail"))

    assert ids(await store.letters.find(wanted, limit=10, newest_first=False)) == found
    assert await store.letters.count(wanted) == len(found)


async def test_pages_follow_each_other_in_either_direction(store: Storage) -> None:
    lines = await bury(store, *(letter(one) for one in range(5)))
    find = store.letters.find

    assert ids(await find(LetterQuery(), limit=2)) == ["m4", "m3"]
    assert ids(await find(LetterQuery(), limit=2, beyond=lines[3].id)) == ["m2", "m1"]
    assert ids(await find(LetterQuery(), limit=2, beyond=lines[1].id, newest_first=False)) == ["m2", "m3"]
    assert await find(LetterQuery(), limit=2, beyond=lines[0].id) == []


async def test_a_revived_event_is_parked_due_at_once_with_a_copy_of_itself(store: Storage) -> None:
    [line] = await bury(store, letter(3))

    await store.letters.revive([line.id], now=9_000)

    row = await store.parked_at("crm", 3)
    assert row is not None
    assert (row.attempts, row.first_tried_at, row.due_at, row.reason, row.keys) == (
        0, 9_000, 9_000, "400", ("uu1",),
    )  # fmt: skip
    [kept] = decode_segment(row.kept)
    assert (kept.position, kept.source, kept.event.json) == (3, "website", letter(3).event)
    assert kept.received_at == 1_900_000_000_000
    assert await store.letters.count(LetterQuery()) == 0


async def test_a_revived_event_knows_its_profile(store: Storage) -> None:
    gold = ProfileSnapshot("use_1", Raw(b'{"plan":"gold"}'))
    lines = await bury(store, replace(letter(3), profile=pack(gold)), letter(4))

    await store.letters.revive([line.id for line in lines], now=9_000)

    rows = [await store.parked_at("crm", position) for position in (3, 4)]
    assert [decode_segment(row.kept)[0].event.profile for row in rows if row] == [gold, None]


async def test_a_revived_event_is_pending_and_not_dead(store: Storage) -> None:
    [line, _] = await bury(store, letter(3), letter(4))

    await store.letters.revive([line.id], now=9_000)

    crm, _ = conservation(await store.books())
    assert (crm.outcomes["dead"], crm.pending, crm.missing) == (1, 1, 0)
    assert (await store.counters())["revived", "crm", "400"] == 1


async def test_its_outcome_records_tell_that_it_was_dead_and_then_revived(store: Storage) -> None:
    [line] = await bury(store, letter(3))

    await store.letters.revive([line.id], now=9_000)

    records = await store.outcomes("crm", 3, 4)
    assert [(one.at, one.runs[0].outcome) for one in records] == [(7_000, "dead"), (9_000, "revived")]


async def test_the_new_rows_are_told_by_destination(store: Storage) -> None:
    lines = await bury(store, letter(3), letter(4, destination="mail"))

    revived = await store.letters.revive([line.id for line in lines], now=9_000)

    assert {name: [row.position for row in rows] for name, rows in revived.rows.items()} == {
        "crm": [3],
        "mail": [4],
    }
    assert (revived.count, list(revived.unknown)) == (2, [])


async def test_a_letter_is_revived_once(store: Storage) -> None:
    [line] = await bury(store, letter(3))
    await store.letters.revive([line.id], now=9_000)

    again = await store.letters.revive([line.id], now=9_500)

    assert (again.count, list(again.unknown)) == (0, [line.id])
    assert (await store.counters())["dead", "crm", "400"] == 0


@pytest.mark.parametrize(
    "odd",
    [
        replace(letter(3), event=b"not an event"),
        replace(letter(3), position=-1),
        replace(letter(3), destination="nobody"),
    ],
)
async def test_a_letter_that_has_no_place_to_go_back_to_stays(store: Storage, odd: DeadLetter) -> None:
    await bury(store)
    await store.settle([Settlement("crm", Cursor(200), None, {}, dead_letters=[odd])])
    [line] = await store.letters.find(LetterQuery(), limit=1)

    revived = await store.letters.revive([line.id], now=9_000)

    assert list(revived.unknown) == [line.id]
    assert await store.letters.count(LetterQuery()) == 1


async def test_a_slice_is_bounded(store: Storage) -> None:
    lines = await bury(store, *(letter(one) for one in range(SLICE + 5)))
    all_of_them = [line.id for line in lines]

    revived = await store.letters.revive(all_of_them, now=9_000)

    assert revived.count == SLICE
    assert await store.letters.drop([one for one in all_of_them if one > lines[SLICE].id]) == 4


async def test_a_dropped_letter_stays_counted_as_dead(store: Storage) -> None:
    [line] = await bury(store, letter(3))

    assert await store.letters.drop([line.id]) == 1

    assert await store.letters.read([line.id]) == []
    assert (await store.counters())["dead", "crm", "400"] == 1
    assert conservation(await store.books())[0].missing == 0


async def test_dropping_what_is_not_there_is_harmless(store: Storage) -> None:
    assert await store.letters.drop([7]) == 0
    assert await store.letters.drop([]) == 0


async def test_ids_are_never_used_twice(store: Storage) -> None:
    [line] = await bury(store, letter(3))
    await store.letters.drop([line.id])

    [other] = await bury(store, letter(4))

    assert other.id > line.id
