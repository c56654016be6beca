"""Between inbox and stream: every event once, in order, in its stored form, whatever happens around it."""

import asyncio
from pathlib import Path

from router.errors import StoreUnavailable
from router.storage.store import Commit
from router.telemetry.happenings import BatchCommitted
from router.testing.running import running


async def test_the_order_of_the_inbox_is_the_order_of_the_stream() -> None:
    async with running() as rig:
        for number in range(100):
            await rig.router.track("E", user_id="u1", properties={"n": number})
        await rig.drained()

    assert [event["properties"]["n"] for event in rig.delivered] == list(range(100))


async def test_what_was_accepted_before_a_stop_is_delivered_after_the_next_start(tmp_path: Path) -> None:
    async with running(folder=tmp_path) as rig:
        for number in range(20):
            await rig.router.track("E", user_id="u1", message_id=f"m{number}")
        await rig.restart()
        await rig.drained()

    assert {event["messageId"] for event in rig.delivered} == {f"m{number}" for number in range(20)}


async def test_a_commit_that_fails_is_repeated_and_yields_each_event_once() -> None:
    async with running() as rig:
        storage = rig.router.storage
        commit = storage.commit
        failures = iter([StoreUnavailable("injected"), None, StoreUnavailable("injected")])

        async def failing(step: Commit) -> bool:
            error = next(failures, None)
            if error is not None:
                raise error
            return await commit(step)

        storage.commit = failing  # type: ignore[method-assign]
        for number in range(30):
            await rig.router.track("E", user_id="u1", properties={"n": number})
        await rig.drained()

    assert [event["properties"]["n"] for event in rig.delivered] == list(range(30))


async def test_a_commit_whose_answer_was_lost_is_not_repeated() -> None:
    async with running() as rig:
        storage = rig.router.storage
        commit = storage.commit
        lost = iter([True])

        async def forgetful(step: Commit) -> bool:
            await commit(step)
            if next(lost, False):
                raise StoreUnavailable("the answer was lost")
            return True

        storage.commit = forgetful  # type: ignore[method-assign]
        for number in range(5):
            await rig.router.track("E", user_id="u1", properties={"n": number})
        await rig.drained()

    assert [event["properties"]["n"] for event in rig.delivered] == list(range(5))


async def test_an_event_without_an_id_keeps_the_id_it_was_given_when_it_is_processed_again() -> None:
    async with running() as rig:
        storage = rig.router.storage
        commit = storage.commit
        seen: list[bytes] = []

        async def failing_once(step: Commit) -> bool:
            assert step.segment is not None
            seen.append(step.segment.message_hashes)
            if len(seen) == 1:
                raise StoreUnavailable("injected")
            return await commit(step)

        storage.commit = failing_once  # type: ignore[method-assign]
        await rig.router.track("E", user_id="u1")
        await rig.drained()

    assert seen[0] == seen[1]


async def test_a_duplicate_in_the_next_step_is_found_before_the_first_is_committed() -> None:
    async with running() as rig:
        for _ in range(3):
            await rig.router.track("E", user_id="u1", message_id="same")
        await rig.drained()
        counters = await rig.counters()

    assert len(rig.delivered) == 1
    assert counters["failed_on_ingest", "embedded", "duplicate"] == 2


async def test_a_step_tells_how_many_events_it_committed() -> None:
    async with running() as rig:
        committed = rig.signals.wait_for(BatchCommitted)
        waiting = asyncio.ensure_future(committed)
        await asyncio.sleep(0)
        await rig.router.track("E", user_id="u1")

        assert (await waiting).events == 1
