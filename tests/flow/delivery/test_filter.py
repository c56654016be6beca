"""A destination's filter, from router.toml to the counters."""

from router.testing.running import running

FILTER = 'type = "track" and properties.total > 100'


async def test_operations_14_an_event_that_the_filter_refuses_is_filtered_and_never_failed() -> None:
    async with running({"destinations": {"collect": {"kind": "collect", "filter": FILTER}}}) as rig:
        await rig.router.track("Order Completed", user_id="u1", properties={"total": 250})
        await rig.router.track("Order Completed", user_id="u1", properties={"total": 50})
        await rig.router.identify(user_id="u1")
        await rig.drained()
        counters = await rig.counters()

    assert [one["properties"]["total"] for one in rig.delivered] == [250]
    assert counters["filtered", "collect", "FILTERED_BY_RULES"] == 2
    assert counters["accepted", "collect"] == 3
    assert not [name for name in counters if name[0] == "dead"]


async def test_a_filter_of_one_destination_says_nothing_of_another() -> None:
    other = {"kind": "collect", "filter": "type = 'page'"}
    async with running({"destinations": {"other": other}}) as rig:
        await rig.router.track("E", user_id="u1")
        await rig.drained()
        counters = await rig.counters()

    assert counters["delivered", "collect"] == 1
    assert counters["filtered", "other", "FILTERED_BY_RULES"] == 1
