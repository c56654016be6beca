"""What the six calls of a client look like at the webhook, whichever SDK made them."""

from typing import Any

TYPES = ("identify", "track", "page", "screen", "group", "alias")


def assert_six_calls(events: list[dict[str, Any]], prefix: str, *, library: str) -> None:
    """Each call came once and says what the caller said."""
    six = {event["type"]: event for event in events if event.get("event") != "Counted"}
    assert sorted(six) == sorted(TYPES)
    user = f"{prefix}-user"
    assert {call["type"]: call.get("userId") for call in six.values() if call["type"] != "screen"} == {
        type_: user for type_ in TYPES if type_ != "screen"
    }
    assert six["identify"]["traits"] == {"email": "ada@shop.test", "plan": None}
    assert six["track"]["event"] == "Order Completed"
    assert six["track"]["properties"] == {"total": 12.5, "city": "Århus", "items": [{"sku": "a"}]}
    assert (six["page"]["name"], six["page"]["category"]) == ("Start", "Docs")
    assert six["page"]["properties"]["url"] == "https://shop.test/"
    assert six["screen"]["name"] == "Home"
    assert six["screen"]["anonymousId"] == f"{prefix}-anonymous"
    assert six["screen"].get("userId") is None
    assert (six["group"]["groupId"], six["group"]["traits"]) == ("g1", {"seats": 5})
    assert six["alias"]["previousId"] == f"{prefix}-anonymous"
    for event in events:
        assert event["context"]["library"]["name"] == library
        assert event["receivedAt"].endswith("Z")
        assert event["timestamp"].endswith("Z")
        assert "writeKey" not in event
