"""The two roads of a call, the fast and the slow, lead to the same place."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from router.events import wire
from router.events.wire import AnyCall
from router.rules.ingest import Refused, checked, judge
from tests.unit.rules.requests import calls, encoded, likely_calls

decode = msgspec.json.Decoder(AnyCall).decode


def fast(raw: bytes) -> AnyCall | str | None:
    """The call, the reason why it is refused, or None when the structs do not take it."""
    try:
        return checked(decode(raw))
    except Refused as refused:
        return str(refused)
    except msgspec.ValidationError:
        return None


def slow(raw: bytes) -> AnyCall | str:
    try:
        return judge(raw, None)
    except Refused as refused:
        return str(refused)


@given(calls | likely_calls)
def test_both_roads_agree(call: Any) -> None:
    raw = encoded(call)
    taken = fast(raw)

    if taken is not None:
        assert _comparable(slow(raw)) == _comparable(taken)


def _comparable(found: AnyCall | str) -> Any:
    """The call with null open JSON as absent: the stored form treats both alike."""
    if isinstance(found, str):
        return found
    changes = {
        name: wire.ABSENT
        for name in ("context", "integrations", "metadata")
        if bytes(getattr(found, name))[:1] != b"{"
    }
    return msgspec.structs.replace(found, **changes, received_at=wire.ABSENT, version=wire.ABSENT)


def test_a_call_with_unknown_fields_keeps_them_as_they_were_sent() -> None:
    raw = b'{"type":"track","userId":"u1","event":"E","n":1.10,"big":123456789012345678901234567890}'

    assert judge(raw, None).extra == b'"n":1.10,"big":123456789012345678901234567890'


def test_the_type_of_the_path_wins() -> None:
    assert isinstance(judge(b'{"type":"page","userId":"u1","event":"E"}', "track"), wire.TrackCall)


@pytest.mark.parametrize("number", ["42", "-7", "1.50", "12345678901234567890"])
def test_a_group_id_keeps_the_digits_of_its_number(number: str) -> None:
    call = judge(f'{{"type":"group","userId":"u1","groupId":{number}}}'.encode(), None)

    assert isinstance(call, wire.GroupCall)
    assert call.group_id == number


@pytest.mark.parametrize(("count", "kept"), [(9_999, 9_999), (10_000, 10_000), (10_001, 10_000)])
def test_properties_beyond_ten_thousand_are_cut(count: int, kept: int) -> None:
    raw = encoded(
        {"type": "track", "userId": "u1", "event": "E", "properties": {f"p{n}": n for n in range(count)}}
    )

    call = checked(decode(raw))

    assert isinstance(call, wire.TrackCall)
    assert len(msgspec.json.decode(call.properties)) == kept
