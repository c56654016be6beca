"""Reading requests: nothing breaks it, and what it accepted it accepts again, the same and as many."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from router.errors import RequestRefused
from router.events.wire import AnyCall
from router.rules.request import BATCH_DOORS, Limits, Received, read_entry, read_request
from router.storage.entry import Door, Entry

LIMITS = Limits()
DOORS = st.sampled_from(list(Door))
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", "track", "u1", "2030-05-01T10:00:00Z", "x" * 101]),
)
JSON = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "type", "messageId", "userId", "anonymousId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "context",
    "integrations", "channel", "version", "_metadata", "writeKey", "event", "name", "category", "properties", "traits",
    "groupId", "previousId", "(extra)", "email", "",
]  # fmt: skip
KINDS = st.sampled_from(["track", "identify", "page", "screen", "group", "alias"])
MEMBERS = st.one_of(
    JSON,
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8),
    st.builds(
        lambda kind, fields: {
            "type": kind,
            "userId": "u",
            "event": "E",
            "groupId": "g",
            "previousId": "p",
            **fields,
        },
        KINDS,
        st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    ),
)
ENVELOPES = st.builds(
    lambda members, fields: {**fields, "batch": members},
    st.lists(MEMBERS, max_size=4),
    st.dictionaries(
        st.sampled_from(["writeKey", "sentAt", "context", "integrations", "x"]), JSON, max_size=4
    ),
)


def read(door: Door, body: bytes, limits: Limits = LIMITS) -> Received | None:
    codes: list[tuple[int, str]] = []
    try:
        return read_request(door, body, limits=limits)
    except RequestRefused as refused:
        codes.append((refused.status, refused.code))
        return None
    finally:
        assert {*codes} <= {(400, "invalid_json"), (400, "payload_too_large"), (400, "invalid_batch")}


def plain(call: AnyCall) -> dict[str, Any]:
    """The fields of a call, open JSON as the bytes that were sent."""
    fields = msgspec.structs.asdict(call)
    return {name: bytes(one) if isinstance(one, Raw | bytes) else one for name, one in fields.items()}


def same(received: Received, again: Received) -> None:
    assert [plain(one) for one in again.calls] == [plain(one) for one in received.calls]
    assert again.sent_at == received.sent_at
    assert not again.refused


@given(DOORS, st.binary(max_size=200))
@example(Door.BATCH, b'\xef\xbb\xbf{"batch":[]}')
@example(Door.TRACK, b"\xff\xfe{\x00}\x00")
@example(Door.TRACK, b'{"userId":"\xed\xa0\x80"}')
def test_no_bytes_break_it(door: Door, body: bytes) -> None:
    read(door, body)


@given(DOORS, st.text(alphabet='{}[]",:\\ud80123456789abcdefnulltrs.eE+-\x00', max_size=60))
def test_no_text_that_looks_like_json_breaks_it(door: Door, text: str) -> None:
    read(door, text.encode())


@given(DOORS, st.one_of(JSON, MEMBERS, ENVELOPES))
def test_what_was_accepted_is_accepted_again(door: Door, value: Any) -> None:
    received = read(door, json.dumps(value).encode())
    if received is None or not received.calls:
        return

    same(received, read_entry(Entry("s", door, 0, len(received.calls), received.body)))


@given(ENVELOPES)
def test_every_member_is_accepted_or_refused(value: dict[str, Any]) -> None:
    received = read(Door.BATCH, json.dumps(value).encode())

    assert received is not None
    indexes = [refusal.index for refusal in received.refused]
    assert len(received.calls) + len(indexes) == received.members == len(value["batch"])
    assert indexes == sorted(set(indexes))


@given(
    st.lists(
        st.sampled_from(["\\ud83d", "\\ude00", "\\uD83D\\uDE00", "\\\\ud83d", "a", "\\u0000"]), max_size=6
    )
)
def test_only_halves_of_pairs_are_replaced(parts: list[str]) -> None:
    text = "".join(parts)

    received = read(Door.TRACK, b'{"userId":"u","event":"%b"}' % text.encode())

    assert received is not None
    expected = json.loads(f'"{text}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert received.calls[0].event == expected  # type: ignore[union-attr]


@pytest.mark.parametrize("opener", ["[", '{"a":'])
@pytest.mark.parametrize(("levels", "is_read"), [(90, True), (250, True), (300, False), (5_000, False)])
def test_depth_is_bounded_for_the_whole_request(opener: str, levels: int, is_read: bool) -> None:
    deep = opener * levels + "1" + {"[": "]", '{"a":': "}"}[opener] * levels
    single = b'{"userId":"u","event":"E","properties":{"a":%b}}' % deep.encode()
    batch = b'{"batch":[{"type":"track","userId":"u","event":"F"},{"type":"track",%b]}' % single[1:]

    assert (read(Door.TRACK, single) is not None) == is_read
    assert (read(Door.BATCH, batch) is not None) == is_read


@pytest.mark.parametrize("place", [b"context", b"unknown"])
def test_a_deep_envelope_refuses_the_request(place: bytes) -> None:
    deep = b"[" * 300 + b"]" * 300

    body = b'{"batch":[{"type":"track","userId":"u","event":"F"}],"%b":%b}' % (place, deep)

    assert read(Door.BATCH, body) is None


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "[,]", "01", "'a'"])
def test_what_is_no_json_refuses_the_request(bad: str) -> None:
    assert read(Door.TRACK, b'{"userId":"u","event":"E","properties":{"a":%b}}' % bad.encode()) is None


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9007199254740993", "1" * 30, "1" * 5_000, "1.10"])
@pytest.mark.parametrize("field", ["properties", "context", "integrations", "email", "_metadata"])
def test_numbers_keep_their_digits(number: str, field: str) -> None:
    body = b'{"userId":"u","event":"E","%b":{"a":%b}}' % (field.encode(), number.encode())

    received = read(Door.TRACK, body)

    assert received is not None
    assert any(number.encode() in one for one in plain(received.calls[0]).values() if isinstance(one, bytes))


@pytest.mark.parametrize("field", ["userId", "messageId", "event", "groupId", "timestamp", "channel", "type"])
def test_an_id_of_a_megabyte_refuses_the_event_alone(field: str) -> None:
    good = {"type": "track", "userId": "u", "event": "E"}
    limits = Limits(batch_bytes=4 << 20)

    received = read(
        Door.BATCH, json.dumps({"batch": [good, {**good, field: "x" * (1 << 20)}]}).encode(), limits
    )

    assert received is not None
    assert [refusal.reason for refusal in received.refused] == ["payload_too_large"]
    assert len(received.calls) == 1


@pytest.mark.parametrize("character", ["x", "é", "漢", "😀"])
def test_an_event_at_the_limit_is_accepted_and_one_byte_more_is_not(character: str) -> None:
    frame = {"type": "track", "userId": "u", "event": "E", "properties": {"a": ""}}
    room = LIMITS.event_bytes - len(json.dumps(frame, separators=(",", ":")))
    text = character * (room // len(character.encode()))
    text += "x" * (room - len(text.encode()))

    for spaced in (False, True):
        for extra, is_accepted in ((text, True), (text + "x", False)):
            member = json.dumps(
                {**frame, "properties": {"a": extra}}, ensure_ascii=spaced, indent=spaced or None
            )
            received = read(Door.BATCH, b'{"batch":[%b]}' % member.encode())
            assert received is not None
            assert bool(received.calls) == is_accepted
            assert (read(Door.TRACK, member.encode()) is not None) == is_accepted


def test_every_door_is_read_as_a_batch_or_as_one_call() -> None:
    for door in set(Door) - {Door.RETURNED}:
        call = {"userId": "u", "event": "E", "groupId": "g", "previousId": "p"}
        body = {"batch": [{"type": "track", **call}]} if door in BATCH_DOORS else call

        received = read(door, json.dumps(body).encode())

        assert received is not None
        assert len(received.calls) == 1


@pytest.mark.parametrize("door", [Door.BATCH, Door.SHORT_BATCH, Door.IMPORT, Door.EMBEDDED])
def test_no_client_sends_what_comes_back_from_a_function(door: Door) -> None:
    forged = {"type": "returned", "messageId": "m1", "userId": "u1", "returned": {"source": "s", "step": "t"}}

    received = read(door, json.dumps({"batch": [forged]}).encode())

    assert received is not None
    assert not received.calls
    assert [one.reason for one in received.refused] == ["invalid_type"]
