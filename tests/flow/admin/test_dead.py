"""Dead letters of a running router: what operators see of them, and what becomes of an event that is sent again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.admin.dead import DROP, LIST, MOST_WAITING, RETRY, LetterIds, ListLetters, answer_dead
from router.admin.verbs import Desk
from router.enrichment.stored_form import RequestForm
from router.errors import StorageError
from router.storage.cursor import Cursor
from router.storage.dead_letters import LetterQuery
from router.storage.letters import PIPELINE, Parked
from router.storage.store import Settlement, StoredSegment
from router.telemetry.conservation import all_sums
from router.telemetry.happenings import DestinationPaused
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import Running, running


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one


def crm(service: FakeHttp) -> dict[str, Any]:
    return {"destinations": {"crm": {"kind": "webhook", "settings": {"url": service.url + "/hook"}}}}


@asynccontextmanager
async def died(service: FakeHttp, *names: str, **options: Any) -> AsyncIterator[tuple[Running, Desk]]:
    """A router whose destination `crm` refused these events, and the desk of its admin door."""
    async with running(crm(service), **options) as rig:
        service.default = Reply(status=400, body=b"no")
        for name in names:
            await rig.router.track("E", user_id="u1", message_id=name)
        await rig.drained()
        service.default = Reply()
        yield rig, desk_of(rig)


def desk_of(rig: Running) -> Desk:
    router, desk = rig.router, Desk()
    answer_dead(
        desk,
        router.storage,
        now=router.clock.now,
        destinations=lambda: router.destinations,
        accept=router.accept,
    )
    return desk


async def ids(desk: Desk) -> list[int]:
    page = await desk.ask(LIST, ListLetters(newest_first=False))
    return [line.id for line in page.lines]


def bodies(service: FakeHttp) -> list[str]:
    return [request.json()["messageId"] for request in service.requests]


async def test_an_event_that_is_sent_again_is_delivered(service: FakeHttp) -> None:
    async with died(service, "m1") as (rig, desk):
        before = service.requests[0].json()

        answer = await desk.ask(RETRY, LetterIds(await ids(desk)))
        await rig.drained()

        assert answer.done == 1
        assert service.requests[-1].json() == before
        assert await ids(desk) == []


async def test_the_sums_hold_while_it_is_on_its_way_and_afterwards(service: FakeHttp) -> None:
    async with died(service, "m1", "m2") as (rig, desk):
        service.default = Reply(is_held=True)
        await desk.ask(RETRY, LetterIds((await ids(desk))[:1]))
        await service.wait(3)
        during = all_sums(await rig.router.storage.books())
        service.release()
        await rig.drained()
        after = all_sums(await rig.router.storage.books())

    assert [one.missing for one in [*during, *after]] == [0] * 6
    assert [str(one) for one in during if one.destination == "crm"] == ["2 accepted = 1 dead + 1 pending"]
    assert [str(one) for one in after if one.destination == "crm"] == [
        "2 accepted = 1 delivered + 1 dead + 0 pending"
    ]


async def test_the_record_tells_that_it_was_dead_revived_and_delivered(service: FakeHttp) -> None:
    async with died(service, "m1") as (rig, desk):
        await desk.ask(RETRY, LetterIds(await ids(desk)))
        await rig.drained()

        records = await rig.router.storage.outcomes("crm", 0, 1)
        assert [run.outcome for one in records for run in one.runs] == ["dead", "revived", "delivered"]


async def test_an_event_that_is_refused_again_is_a_dead_letter_again(service: FakeHttp) -> None:
    async with died(service, "m1") as (rig, desk):
        [old] = await ids(desk)
        service.default = Reply(status=400)
        await desk.ask(RETRY, LetterIds([old]))
        await rig.drained()

        [new] = await ids(desk)
        assert new > old
        assert (await rig.counters())["dead", "crm", "400"] == 1


async def test_events_of_one_user_are_sent_again_in_their_order(service: FakeHttp) -> None:
    async with died(service, "m1", "m2", "m3") as (rig, desk):
        first = len(service.requests)
        await desk.ask(RETRY, LetterIds((await ids(desk))[::-1]))
        await rig.drained()

        assert bodies(service)[first:] == ["m1", "m2", "m3"]


async def test_a_paused_destination_sends_it_when_it_is_back(service: FakeHttp) -> None:
    clock = ManualClock()
    async with died(service, "m1", clock=clock) as (rig, desk):
        service.default = Reply(status=503)
        paused = rig.signals.wait_for(DestinationPaused)
        await rig.router.track("E", user_id="u2", message_id="m2")
        await paused
        first = len(service.requests)
        await desk.ask(RETRY, LetterIds(await ids(desk)))
        assert rig.router.destinations["crm"].status.parked == 1

        service.default = Reply()
        clock.advance(60)
        await rig.drained()

        assert sorted(bodies(service)[first:]) == ["m1", "m2"]


async def test_it_is_sent_after_a_restart_too(service: FakeHttp, tmp_path: Path) -> None:
    async with died(service, "m1", folder=tmp_path) as (rig, desk):
        storage = rig.router.storage
        await storage.letters.revive(await ids(desk), now=rig.router.clock.now())  # and the router was killed
        first = len(service.requests)
        await rig.restart()
        await service.wait(first + 1)
        await rig.drained()

        assert bodies(service)[first:] == ["m1"]


async def test_it_is_sent_from_its_letter_when_the_stream_has_lost_it(service: FakeHttp) -> None:
    async with died(service, "m1") as (rig, desk):
        stream = rig.router.stream
        stream.resume(0)  # nothing is left in memory
        stream.resume(1)

        async def trimmed(position: int, max_bytes: int) -> list[StoredSegment]:
            return [StoredSegment(0, 1, b"")]

        stream._read = trimmed
        await desk.ask(RETRY, LetterIds(await ids(desk)))
        await service.wait(2)

        assert bodies(service) == ["m1", "m1"]


async def test_a_letter_of_a_destination_that_is_gone_is_refused_with_the_remedy(
    service: FakeHttp, tmp_path: Path
) -> None:
    async with died(service, "m1", folder=tmp_path):
        pass
    async with running(folder=tmp_path) as rig:
        desk = desk_of(rig)
        answer = await desk.ask(RETRY, LetterIds(await ids(desk)))

        [refused] = answer.refused
        assert "'crm' is not configured any more; add [destinations.crm] again, or drop it" in refused.why
        assert len(await ids(desk)) == 1


async def test_a_letter_that_is_not_there_is_refused(service: FakeHttp) -> None:
    async with died(service) as (_, desk):
        answer = await desk.ask(RETRY, LetterIds([1, -5, 1 << 60]))

    assert [one.why for one in answer.refused] == ["there is no such letter"] * 3


async def test_letters_wait_while_too_many_of_their_destination_are_on_their_way(service: FakeHttp) -> None:
    async with died(service, "m1") as (rig, desk):
        await rig.router._supervisor.end(rig.router.destinations["crm"])
        rows = [Parked(place, 1, 0, 0, "500", ()) for place in range(MOST_WAITING)]
        cursor = Cursor(MOST_WAITING)
        await rig.router.storage.settle([Settlement("crm", cursor, None, {}, park=rows)])
        [letter] = await ids(desk)

        answer = await desk.ask(RETRY, LetterIds([letter]))

    assert (answer.done, list(answer.waiting)) == (0, [letter])


async def test_a_dropped_letter_is_gone_and_its_event_counts_as_dead(service: FakeHttp) -> None:
    async with died(service, "m1", "m2") as (rig, desk):
        answer = await desk.ask(DROP, LetterIds((await ids(desk))[:1]))

        assert (answer.done, len(await ids(desk))) == (1, 1)
        assert (await rig.counters())["dead", "crm", "400"] == 2


async def test_a_list_is_filtered_and_counted(service: FakeHttp) -> None:
    async with died(service, "m1", "m2", "m3") as (_, desk):
        page = await desk.ask(LIST, ListLetters(LetterQuery(user="u1"), 2))
        other = await desk.ask(LIST, ListLetters(LetterQuery(user="u2"), 2))

    assert ([line.message_id for line in page.lines], page.total) == (["m3", "m2"], 3)
    assert (list(other.lines), other.total) == ([], 0)


# --- calls that failed in processing ----------------------------------------------------------------------


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Have the stored form of events named "Poison" fail, for as long as the list holds something."""
    plain, is_bad = RequestForm.event, [True]

    def event(self: RequestForm, call: Any, message_id: str) -> Any:
        if is_bad and getattr(call, "event", "") == "Poison":
            raise ValueError("boom")
        return plain(self, call, message_id)

    monkeypatch.setattr(RequestForm, "event", event)
    return is_bad


async def test_a_call_that_failed_in_processing_goes_through_it_again(poison: list[bool]) -> None:
    async with running() as rig:
        desk = desk_of(rig)
        await rig.router.track("Poison", user_id="u1", message_id="m1", properties={"n": 1})
        await rig.drained()
        poison.clear()

        answer = await desk.ask(RETRY, LetterIds(await ids(desk)))
        await rig.drained()

        assert (answer.done, await ids(desk)) == (1, [])
        assert [(one["messageId"], one["properties"]) for one in rig.delivered] == [("m1", {"n": 1})]
        assert [one.missing for one in all_sums(await rig.router.storage.books())] == [0, 0]


async def test_it_keeps_the_id_that_was_given_to_it(poison: list[bool]) -> None:
    async with running() as rig:
        desk = desk_of(rig)
        await rig.router.track("Poison", user_id="u1")
        await rig.drained()
        [letter] = await rig.router.storage.dead_letters(PIPELINE, 1)
        poison.clear()

        await desk.ask(RETRY, LetterIds([letter.id]))
        await rig.drained()

    assert [one["messageId"] for one in rig.delivered] == [letter.message_id]


async def test_a_call_that_fails_again_is_a_letter_again(poison: list[bool]) -> None:
    async with running() as rig:
        desk = desk_of(rig)
        await rig.router.track("Poison", user_id="u1", message_id="m1")
        await rig.drained()
        [old] = await ids(desk)

        await desk.ask(RETRY, LetterIds([old]))
        await rig.drained()

        [new] = await ids(desk)
        assert (new > old, bool(poison)) == (True, True)


async def test_a_call_that_cannot_be_kept_stays_a_letter(poison: list[bool]) -> None:
    async with running() as rig:
        await rig.router.track("Poison", user_id="u1", message_id="m1")
        await rig.drained()

        async def full(*_: Any) -> None:
            raise StorageError("the disk is full")

        desk = Desk()
        answer_dead(desk, rig.router.storage, now=rig.router.clock.now, destinations=dict, accept=full)
        with pytest.raises(StorageError):
            await desk.ask(RETRY, LetterIds(await ids(desk)))

        assert (len(await ids(desk)), bool(poison)) == (1, True)
