"""A parked event outlives its segment: the store copies it into its row before the segment goes."""

from pathlib import Path

from router.events.envelope import Envelope
from router.storage.letters import Parked
from router.storage.segment import encode_segment
from router.testing.running import running


async def test_a_parked_event_whose_segment_was_trimmed_is_delivered_from_its_row(tmp_path: Path) -> None:
    async with running(folder=tmp_path) as rig:
        await rig.router.track("Lost", user_id="u1", message_id="m1")
        await rig.router.track("Later", user_id="u2", message_id="m2")
        await rig.drained()
        reading = await rig.router.stream.read(0)
        lost: Envelope = reading.envelopes[0]
        storage = rig.router.storage
        kept = encode_segment(0, [lost], store_id=storage.store_id)
        row = Parked(0, 1, 0, 0, "500", (), kept)

        async def parked(destination: str) -> list[Parked]:
            return [row]

        storage.parked = parked  # type: ignore[method-assign]
        recall = rig.router.destinations["collect"]._recall
        assert recall is not None

        found = await recall(0)

        assert found is not None
        assert found.event.message_id == "m1"
        assert await recall(1) is None
