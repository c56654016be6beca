"""What an event knows of its profile goes with it wherever it goes, and is never a part of what is delivered."""

import msgspec
import pytest
from msgspec import Raw

from router.events.calls import EMPTY_OBJECT, Track, cut, decode_event, keep_profile
from router.events.envelope import Envelope
from router.events.profile import ProfileSnapshot, attach, fields_with_profile, pack, traits_size, unpack
from router.testing import identify, track

GOLD = ProfileSnapshot("use_1", Raw(b'{"plan":"gold","score":1e400}'))


def owned() -> Track:
    event = track("Met", properties={"total": 7})
    attach(event, GOLD)
    return event


def test_an_event_without_one_has_none() -> None:
    assert track("Met").profile is None
    assert Envelope(0, "website", track("Met"), 0).profile_id is None


def test_id_and_traits_are_told() -> None:
    event = owned()

    assert event.profile is not None
    assert event.profile.id == "use_1"
    assert event.profile.traits == {"plan": "gold", "score": float("inf")}
    assert Envelope(0, "website", event, 0).profile_id == "use_1"


def test_it_is_no_part_of_what_is_delivered() -> None:
    plain, event = track("Met", properties={"total": 7}), owned()

    assert event.json == plain.json
    assert event.fields == plain.fields
    assert event.replace(user_id="u2").json == plain.replace(user_id="u2").json


def test_a_changed_copy_is_of_the_same_profile() -> None:
    event = owned()

    assert event.replace(properties={}).profile is GOLD
    assert cut(event, b'{"type":"track","messageId":"m"}').profile is GOLD
    assert keep_profile(event, decode_event(event.json)).profile is GOLD
    envelope = Envelope(0, "website", event, 0).replace_event(decode_event(event.json))
    assert envelope.profile_id == "use_1"


@pytest.mark.parametrize("name", ["_profile", "profile"])
def test_what_a_client_calls_so_is_not_believed_and_stays_where_it_is(name: str) -> None:
    stored = msgspec.json.encode({**track("Met").fields, name: {"id": "forged", "traits": {"plan": "gold"}}})

    event = decode_event(stored)

    assert event.profile is None
    assert event.json == stored
    assert event.replace(user_id="u2").fields[name]["id"] == "forged"
    assert fields_with_profile(event)["profile"] is None
    attach(event, GOLD)
    assert fields_with_profile(event)["profile"]["id"] == "use_1"
    assert event.json == stored


@pytest.mark.parametrize("profile", [GOLD, ProfileSnapshot("use_2"), None])
def test_it_can_be_kept_by_itself(profile: ProfileSnapshot | None) -> None:
    found = unpack(pack(profile))

    assert found == profile
    assert found is None or found.traits_json is EMPTY_OBJECT or found.traits


def test_the_traits_count_for_what_an_event_weighs() -> None:
    assert traits_size(owned()) == len(bytes(GOLD.traits_json))
    assert traits_size(track("Met")) == 0
    assert traits_size(track("Met", profile={})) == 2  # {}


def test_equal_snapshots_are_equal_whatever_was_decoded() -> None:
    one, other = ProfileSnapshot("use_1", Raw(b'{"a":1}')), ProfileSnapshot("use_1", Raw(b'{"a":1}'))

    assert one.traits == {"a": 1}
    assert one == other
    assert len({one, other, ProfileSnapshot("use_2"), GOLD}) == 3


def test_authors_give_events_a_profile() -> None:
    event = identify(profile={"id": "use_7", "traits": {"plan": "gold", "gone": None}})

    assert event.profile is not None
    assert event.profile.fields == {"id": "use_7", "traits": {"plan": "gold"}}
    assert event.message_id == identify().message_id
    with pytest.raises(TypeError, match="'plan'"):
        identify(profile={"plan": "gold"})
