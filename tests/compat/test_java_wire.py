"""The wire form of analytics-java, replayed: one context for the whole batch, a sequence number, `/v1/import`."""

from pathlib import Path

import pytest

from tests.compat.process import KEY
from tests.compat.rig import rigging

pytestmark = [pytest.mark.peer, pytest.mark.slow]

BASIC = "Basic d2tfY29tcGF0Og=="
"""`wk_compat:` in base64."""

BATCH = {
    "batch": [
        {
            "type": "track",
            "messageId": "6d1b0a5e-53d4-4f0b-a3a4-1f0c9f7f1a01",
            "timestamp": "2030-05-01T10:00:00.000Z",
            "userId": "java-user",
            "event": "Order Completed",
            "properties": {"total": 12.5},
            "context": {"ip": "192.0.2.7"},
            "integrations": {},
        },
        {
            "type": "identify",
            "messageId": "6d1b0a5e-53d4-4f0b-a3a4-1f0c9f7f1a02",
            "timestamp": "2030-05-01T10:00:01.000Z",
            "anonymousId": "java-anonymous",
            "traits": {"plan": "free"},
            "integrations": {},
        },
    ],
    "sentAt": "2030-05-01T10:00:05.000Z",
    "context": {"library": {"name": "analytics-java", "version": "3.5.2"}},
    "sequence": 1,
    "writeKey": None,
}


async def test_tracking_39_a_batch_in_the_form_of_the_java_client_arrives_once(tmp_path: Path) -> None:
    assert KEY == "wk_compat"
    async with rigging(tmp_path) as rig:
        await rig.post(BATCH, "/v1/import", Authorization=BASIC)
        await rig.post(BATCH, "/v1/import/", Authorization=BASIC)

        events = await rig.settled()

    assert [(event["type"], event["messageId"][-2:]) for event in events] == [
        ("track", "01"),
        ("identify", "02"),
    ]
    assert {event["context"]["library"]["name"] for event in events} == {"analytics-java"}
    assert events[0]["context"]["ip"] == "192.0.2.7"
    assert "ip" not in events[1]["context"]
    assert not any("sequence" in event for event in events)
