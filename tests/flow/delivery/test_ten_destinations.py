"""Many destinations on one source: the stream has an event once, and each destination its own delivery of it."""

from router.testing.running import running

NAMES = [f"d{number}" for number in range(10)]


async def test_operations_32_ten_destinations_are_ten_deliveries_of_one_line_in_the_stream() -> None:
    async with running({"destinations": {name: {"kind": "collect"} for name in NAMES}}) as rig:
        await rig.router.track("Signed Up", user_id="u1")
        await rig.drained()
        counts = await rig.counters()
        facts = await rig.router.storage.facts()

        assert facts.stream_next == 1
        assert [counts["delivered", name] for name in NAMES] == [1] * 10
        assert len(rig.delivered) == 11  # and the rig's own destination


async def test_of_ten_destinations_one_that_is_down_keeps_its_own_event_only() -> None:
    down = {"down": {"kind": "webhook", "settings": {"url": "http://127.0.0.1:9/"}}}
    async with running({"destinations": {**{name: {"kind": "collect"} for name in NAMES}, **down}}) as rig:
        await rig.router.track("Signed Up", user_id="u1")
        await rig.shelf.wait(11)

        assert rig.router.destinations["down"].status.pending == 1
