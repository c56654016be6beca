"""A call that is taken out of its request and sent once more is the same call."""

import json
from typing import Any

import msgspec
import pytest

from router.enrichment.stored_form import RequestForm
from router.rules.again import sent_again
from router.rules.request import read_entry
from router.storage.entry import Door, Entry

THEN, NOW = 1_900_000_000_000, 1_900_000_500_000
SENT, CLAIMED = "2030-03-17T17:46:39.000Z", "2030-03-17T17:46:30.000Z"


def entry(door: Door, body: dict[str, Any]) -> Entry:
    return Entry(
        "website", door, THEN, 2, json.dumps(body).encode(), "10.0.0.1", "10.0.0.2", "agent", "", (3,)
    )


def stored(one: Entry) -> dict[str, Any]:
    """The event that processing makes of an entry's first call."""
    received = read_entry(one)
    event, _ = RequestForm(one, received).event(received.calls[0], received.calls[0].message_id or "")
    return json.loads(event.json)


def first(one: Entry, message_id: str) -> Entry:
    received = read_entry(one)
    return RequestForm(one, received).alone(received.calls[0], message_id)


@pytest.mark.parametrize(
    "times", [{}, {"sentAt": SENT}, {"timestamp": CLAIMED}, {"timestamp": CLAIMED, "sentAt": SENT}]
)
@pytest.mark.parametrize("door", [Door.TRACK, Door.SHORT_TRACK, Door.BATCH, Door.EMBEDDED])
def test_the_event_is_the_same_but_for_the_times_of_its_arrival(door: Door, times: dict[str, str]) -> None:
    call = {
        "type": "track",
        "userId": "u1",
        "event": "E",
        "messageId": "m1",
        "properties": {"n": 1.50},
        "custom": 7,
    }
    if door in (Door.BATCH, Door.EMBEDDED):
        own = {name: value for name, value in times.items() if name == "timestamp"}
        rest = {name: value for name, value in times.items() if name == "sentAt"}
        sent = entry(
            door, {"batch": [{**call, **own}, call], "context": {"a": 1}, "integrations": {"b": True}, **rest}
        )
    else:
        sent = entry(door, {**call, **times})
    before = stored(sent)

    after = stored(sent_again(first(sent, "m1"), NOW))

    arrival = (
        ("receivedAt", "sentAt") if "timestamp" in times else ("receivedAt", "sentAt", "originalTimestamp")
    )
    for name in arrival:
        before.pop(name, None)
        after.pop(name, None)
    assert after == before


def test_the_entry_holds_one_call_and_says_where_it_came_from() -> None:
    call = {"type": "track", "userId": "u1", "event": "E"}
    sent = entry(Door.BATCH, {"batch": [call, call], "writeKey": "secret"})

    one = first(sent, "given")

    assert (one.events, one.refused, one.peer, one.client_ip, one.user_agent) == (
        1, (), "10.0.0.1", "10.0.0.2", "agent",
    )  # fmt: skip
    assert [call.message_id for call in read_entry(one).calls] == ["given"]
    assert b"secret" not in one.body


def test_an_entry_that_is_sent_again_was_received_now() -> None:
    sent = entry(Door.TRACK, {"userId": "u1", "event": "E"})

    assert sent_again(first(sent, "m1"), NOW).received_at == NOW


def test_it_survives_being_kept_in_a_letter() -> None:
    one = first(entry(Door.TRACK, {"userId": "u1", "event": "E"}), "m1")

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Entry) == one
