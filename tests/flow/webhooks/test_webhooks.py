"""A vendor's request is kept, answered, and becomes events."""

from tests.flow.webhooks.rig import hooked


async def test_a_request_becomes_the_calls_of_its_function() -> None:
    async with hooked() as one:
        reply = await one.post({"event": "Order", "total": 12.5})

        [event] = await one.events(1)
        assert (reply.status, reply.json) == (200, {"success": True})
        assert (event["event"], event["userId"], event["properties"]) == ("Order", "u1", {"total": 12.5})
