"""Stored events: encoded once, decoded lazily, changed only by copy."""

import msgspec
import pytest
from msgspec import UNSET, Raw

from router.events.calls import Alias, Track, cut, decode_event, readable
from router.events.envelope import order_keys


def track(**changes: object) -> Track:
    fields: dict[str, object] = {
        "event": "Signed Up",
        "message_id": "m1",
        "user_id": "u1",
        "received_at": "2030-05-01T10:00:07.000Z",
        "timestamp": "2030-05-01T10:00:02.000Z",
        "version": 2,
        "properties_json": Raw(b'{"plan":"pro"}'),
        **changes,
    }
    return Track(**fields)  # type: ignore[arg-type]


def test_the_stored_form_has_the_names_of_the_protocol_and_no_absent_field() -> None:
    assert msgspec.json.decode(track().json) == {
        "type": "track",
        "event": "Signed Up",
        "messageId": "m1",
        "userId": "u1",
        "properties": {"plan": "pro"},
        "context": {},
        "integrations": {},
        "receivedAt": "2030-05-01T10:00:07.000Z",
        "timestamp": "2030-05-01T10:00:02.000Z",
        "version": 2,
    }


def test_looking_into_open_json_does_not_change_the_stored_form() -> None:
    event = track()
    before = event.replace().json

    assert event.properties["plan"] == "pro"
    assert event.context == {}

    assert event.json == before


def test_open_json_is_decoded_once() -> None:
    event = track()

    assert event.properties is event.properties


def test_every_field_can_be_read_by_its_name_in_the_protocol_and_is_decoded_once() -> None:
    event = decode_event(track().json[:-1] + b',"extra":{"a":1}}')

    assert event.fields == msgspec.json.decode(event.json)
    assert event.fields["extra"] == {"a": 1}
    assert event.fields is event.fields
    assert "other" in event.replace(user_id="other").fields["userId"]


def test_an_absent_open_field_reads_as_an_empty_object() -> None:
    event = decode_event(b'{"type":"identify","messageId":"m","receivedAt":"r","timestamp":"t"}')

    assert event.traits == {}  # type: ignore[union-attr]


def test_decoding_keeps_the_bytes_it_was_given() -> None:
    stored = track().json

    assert decode_event(stored).json is stored


def test_unknown_top_level_fields_survive_decoding_and_a_change() -> None:
    stored = track(_extra=b'"email":"x@y.test","n":1e400').json

    changed = decode_event(stored).replace(user_id="u2").json

    assert b'"email":"x@y.test","n":1e400' in changed
    assert msgspec.json.decode(changed, type=dict[str, Raw])["userId"] == Raw(b'"u2"')


@pytest.mark.parametrize(
    "own",
    [b'"_json":7', b'"_extra":"QUJD"', b'"_open":{"properties_json":{"plan":"free"}}', b'"_json":1e400'],
)
def test_a_client_may_call_a_field_of_its_own_as_we_call_hidden_ones(own: bytes) -> None:
    stored = track().json[:-1] + b"," + own + b"}"

    event = decode_event(stored)

    assert event.json == stored
    assert event.properties == {"plan": "pro"}  # type: ignore[union-attr]
    assert event.replace(user_id="u2").json.endswith(own + b"}")


def test_a_changed_copy_leaves_the_original_alone() -> None:
    event = track()

    assert event.replace(event="Other").event == "Other"
    assert event.event == "Signed Up"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"n":1e400}', float("inf")),
        (b'{"n":123456789012345678901234567890}', 123456789012345678901234567890),
    ],
)
def test_numbers_beyond_the_ordinary_are_still_readable(text: bytes, value: object) -> None:
    assert track(properties_json=Raw(text)).properties["n"] == value


def test_a_number_with_thousands_of_digits_is_readable() -> None:
    assert track(properties_json=Raw(b'{"n":' + b"9" * 5000 + b"}")).properties["n"] == float("inf")


def test_order_keys_name_every_id_of_the_user() -> None:
    assert order_keys(track(anonymous_id="a1")) == ("uu1", "aa1")


def test_an_alias_is_kept_in_order_with_both_of_its_users() -> None:
    alias = Alias(
        message_id="m", user_id="new", previous_id="old", received_at="r", timestamp="t", _extra=UNSET
    )

    assert set(order_keys(alias)) == {"unew", "uold", "aold"}


def test_the_stored_form_is_one_line_however_the_sender_wrote_it() -> None:
    event = track(properties_json=Raw(b'{\n  "n": 1.10,\r\n  "text": "a\\nb"\n}'))

    assert b'"properties":{"n":1.10,"text":"a\\nb"}' in event.json


def test_an_event_that_was_cut_lacks_fields_that_its_struct_needs() -> None:
    event = cut(track(), b'{"type":"track","messageId":"m1","properties":{}}')

    assert event.json == b'{"type":"track","messageId":"m1","properties":{}}'
    assert (event.user_id, event.event, event.context) == (None, "", {})  # type: ignore[union-attr]
    assert event.timestamp == track().timestamp


def test_a_changed_copy_of_an_event_that_was_cut_lacks_the_same_fields() -> None:
    event = cut(track(), b'{"type":"track","messageId":"m1","note":1}')

    changed = event.replace(channel="server", context={"ip": "192.0.2.1"})

    assert msgspec.json.decode(changed.json) == {
        "type": "track", "messageId": "m1", "note": 1, "channel": "server", "context": {"ip": "192.0.2.1"},
    }  # fmt: skip


def test_an_event_that_was_cut_can_be_read_again() -> None:
    event = cut(track(), b'{"type":"track","messageId":"m1","note":1}')

    again = decode_event(readable(event))

    assert (again.received_at, again.message_id, again.user_id) == (track().received_at, "m1", None)
    assert again.fields["note"] == 1
    assert readable(track()) == track().json
