"""A parked event outlives its segment: it is sent from the copy in its row."""

from pathlib import Path

from router.events.envelope import Envelope
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.segment import encode_segment
from router.storage.store import Settlement
from router.testing.fake_http import FakeHttp
from router.testing.running import running
from tests.flow.delivery.rig import envelope, rig
from tests.flow.delivery.talk import hook, refuse, sent


async def test_a_parked_event_that_the_stream_lost_is_recalled_and_delivered(service: FakeHttp) -> None:
    kept = envelope(0, "a")
    asked: list[int] = []

    async def recall(position: int) -> Envelope | None:
        asked.append(position)
        return kept

    refuse(service, "m0", status=500)
    async with rig(hook(service), recall=recall) as one:
        one.publish(kept, envelope(1, "b"), envelope(2, "c"))
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 2, step=0.5)
        one.envelopes.pop(0)
        one.stream.resume(0)  # nothing of it is left in memory
        one.stream.resume(3)
        service.rule = None
        await one.finished(3, step=1)

        assert asked == [0]
        assert sent(service)[-1] == ["m0"]
        assert one.store.parked == {}


async def test_a_router_recalls_a_parked_event_from_the_copy_in_its_row(tmp_path: Path) -> None:
    async with running(folder=tmp_path) as rig:
        await rig.router.track("Lost", user_id="u1", message_id="m1")
        await rig.router.track("Later", user_id="u2", message_id="m2")
        await rig.drained()
        reading = await rig.router.stream.read(0)
        lost: Envelope = reading.envelopes[0]
        storage = rig.router.storage
        kept = encode_segment(0, [lost], store_id=storage.store_id)
        row = Parked(0, 1, 0, 0, "500", (), kept)

        await storage.settle([Settlement("collect", Cursor(2), None, {}, park=[row])])
        recall = rig.router.destinations["collect"]._recall
        assert recall is not None

        found = await recall(0)

        assert found is not None
        assert found.event.message_id == "m1"
        assert await recall(1) is None


async def test_after_a_restart_drained_still_waits_for_a_parked_event(tmp_path: Path) -> None:
    async with running(folder=tmp_path) as rig:
        await rig.router.track("Parked", user_id="u1", message_id="m1")
        await rig.drained()
        now = rig.router.clock.now()
        row = Parked(0, 1, now, now + 3_600_000, "500", ("uu1",))
        await rig.router.storage.settle([Settlement("collect", Cursor(1), None, {}, park=[row])])

        await rig.restart()

        assert not rig.router.progress.is_drained


async def test_a_revived_event_is_sent_at_once_although_the_clock_was_set_back(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)
        later = one.clock.now() + 7_200_000
        row = Parked(0, 0, later, later, "400", ("uu0",))
        one.store.parked[0] = row
        one.store.counts["delivered", "crm"] -= 1

        one.actor.revive([row])
        await one.finished(1)

        assert sent(service) == [["m0"], ["m0"]]
        assert one.actor.status.parked == 0
