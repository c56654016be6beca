"""From bytes to calls: whatever comes, it is read or refused, and what was accepted is accepted again."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import RequestRefused
from router.rules.request import BATCH_DOORS, Limits, Received, read_request
from router.storage.entry import Door
from tests.unit.rules.requests import LIMITS, batches, calls, encoded, likely_calls

DOORS = sorted(Door)
SINGLE = [door for door in DOORS if door not in BATCH_DOORS]
REFUSALS = [(400, "invalid_json"), (400, "invalid_batch"), (400, "payload_too_large")]
UNLIMITED = Limits(1 << 62, 1 << 62, 1 << 62)


def read(door: Door, body: bytes, limits: Limits = LIMITS) -> Received | None:
    """The request, or None when it is refused as the specification says."""
    try:
        return read_request(door, body, limits=limits)
    except RequestRefused as error:
        refused = error
    assert (refused.status, refused.code) in REFUSALS
    return None


@given(st.sampled_from(DOORS), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(door: Door, body: bytes) -> None:
    read(door, body)


@given(st.sampled_from(DOORS), st.text(alphabet='{}[]",:\\ u0123dDfF-+.eE\ntruefalsn', max_size=60))
def test_any_text_that_looks_like_json_is_read_or_refused(door: Door, body: str) -> None:
    found = read(door, body.encode())
    if found is not None:
        json.loads(body)


@given(st.sampled_from(SINGLE), calls | likely_calls, st.booleans(), st.booleans())
def test_a_call_of_any_shape_is_accepted_again_as_it_was(
    door: Door, call: Any, is_compact: bool, is_ascii: bool
) -> None:
    found = read(door, encoded(call, is_compact=is_compact, is_ascii=is_ascii))
    if found is not None and found.calls:
        assert read_request(door, found.body, limits=UNLIMITED).calls == found.calls


@given(batches, st.booleans(), st.booleans())
def test_a_batch_of_any_shape_is_accepted_again_as_it_was(
    batch: Any, is_compact: bool, is_ascii: bool
) -> None:
    found = read(Door.BATCH, encoded(batch, is_compact=is_compact, is_ascii=is_ascii))
    if found is not None and found.calls:
        again = read_request(Door.BATCH, found.body, limits=UNLIMITED)
        assert list(again.calls) == list(found.calls)
        assert not again.refused
        assert again.sent_at == found.sent_at
        assert _object(again.context) == _object(found.context)
        assert _object(again.integrations) == _object(found.integrations)


def _object(raw: Any) -> Any:
    text = bytes(raw)
    return json.loads(text) if text[:1] == b"{" else None


@given(batches)
def test_every_member_of_a_batch_is_accepted_or_refused(batch: Any) -> None:
    found = read(Door.BATCH, encoded(batch))
    if found is not None:
        assert len(found.calls) + len(found.refused) == found.members == len(batch["batch"])


@given(st.lists(likely_calls, min_size=1, max_size=6))
def test_a_call_means_the_same_alone_and_in_a_batch(members: list[Any]) -> None:
    alone = [read(Door(call["type"]), encoded(call)) for call in members]
    together = read(Door.BATCH, encoded({"batch": members}))

    assert together is not None
    assert list(together.calls) == [one for found in alone if found is not None for one in found.calls]


def nested(levels: int) -> bytes:
    """A track call that is so many levels deep."""
    inner = b'{"a":' * (levels - 2) + b"1" + b"}" * (levels - 2)
    return b'{"type":"track","userId":"u1","event":"E","properties":{"a":' + inner + b"}}"


@pytest.mark.parametrize("levels", [100, 254])
@pytest.mark.parametrize("door", [Door.TRACK, Door.BATCH])
def test_a_hundred_levels_pass(door: Door, levels: int) -> None:
    body = b'{"batch":[' + nested(levels) + b"]}" if door is Door.BATCH else nested(levels)

    assert len(read_request(door, body, limits=LIMITS).calls) == 1


@pytest.mark.parametrize("levels", [257, 5_000, 50_000])
@pytest.mark.parametrize("door", [Door.TRACK, Door.BATCH])
def test_a_deeper_request_is_refused(door: Door, levels: int) -> None:
    body = b'{"batch":[' + nested(levels) + b"]}" if door is Door.BATCH else nested(levels)

    with pytest.raises(RequestRefused, match="deeper than 256"):
        read_request(door, body, limits=UNLIMITED)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 100])
def test_one_deep_member_refuses_a_batch_of_any_length(count: int) -> None:
    body = b'{"batch":[' + b",".join([nested(3)] * count + [nested(300)]) + b"]}"

    with pytest.raises(RequestRefused, match="deeper than 256"):
        read_request(Door.BATCH, body, limits=LIMITS)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "nan", "1e", ".5", "0x1"])
@pytest.mark.parametrize("door", [Door.TRACK, Door.BATCH])
def test_what_is_no_number_of_json_refuses_the_request(door: Door, number: str) -> None:
    call = b'{"type":"track","userId":"u1","event":"E","properties":{"a":' + number.encode() + b"}}"
    body = b'{"batch":[' + call + b"]}" if door is Door.BATCH else call

    with pytest.raises(RequestRefused) as refused:
        read_request(door, body, limits=LIMITS)

    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("name", ["userId", "messageId", "event"])
def test_an_id_of_a_megabyte_is_refused_or_kept_but_breaks_nothing(name: str) -> None:
    call = {"type": "track", "userId": "u1", "event": "E", name: "x" * (1 << 20)}

    assert read(Door.TRACK, encoded(call)) is None
    found = read(Door.TRACK, encoded(call), UNLIMITED)
    assert found is not None
    assert [refusal.reason for refusal in found.refused] == (
        ["message_id_too_long"] if name == "messageId" else []
    )


def test_a_refused_member_is_kept_cut_to_4_kib() -> None:
    body = encoded({"batch": [{"type": "none", "a": "x" * 10_000}]})

    [refusal] = read_request(Door.BATCH, body, limits=LIMITS).refused

    assert (refusal.index, len(refusal.raw)) == (0, 4096)


@pytest.mark.parametrize("escape", [rb"\ud800", rb"\udfff", rb"\uD83d\u0041"])
def test_half_of_a_surrogate_pair_in_an_id_is_replaced(escape: bytes) -> None:
    found = read_request(Door.TRACK, b'{"userId":"' + escape + b'","event":"E"}', limits=LIMITS)

    assert found.calls[0].user_id is not None
    assert found.calls[0].user_id[0] == "\ufffd"


@settings(max_examples=30)
@given(st.integers(2, 30), st.integers(0, 29))
def test_the_bodies_of_accepted_members_do_not_change(count: int, bad: int) -> None:
    members = [
        {"type": "track", "userId": f"u{n}", "event": "E", "properties": {"n": n}} for n in range(count)
    ]
    if bad < count:
        members[bad] = {"type": "nothing"}

    found = read_request(Door.BATCH, encoded({"batch": members}), limits=LIMITS)

    assert [call.user_id for call in found.calls] == [f"u{n}" for n in range(count) if n != bad]
    assert json.loads(found.body or b"{}").get("batch", []) == [m for m in members if "userId" in m]
