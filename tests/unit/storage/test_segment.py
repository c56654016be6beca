"""A segment keeps events as they are, finds them without decompressing, and lets one go without the others."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from router.events.calls import EMPTY_OBJECT, Alias, AnyEvent, Group, Identify, Page, Screen, Track
from router.events.envelope import Envelope
from router.events.profile import ProfileSnapshot, attach
from router.events.wire import ABSENT
from router.storage.hashing import key_hash
from router.storage.segment import Segment, SegmentDamaged, decode_segment, encode_segment, rewrite_without
from router.storage.segment_keys import KeyColumns

STORE_ID = bytes(range(16))
FIRST_VERSION = bytes.fromhex(
    "504d53470101000000000000c90d8f6360cf17d907000000000000000200000040000000000000001400000000000000"
    "93000000130100000000010000000200000002000000c94d9f0f514cdb8f273ca19faab22ae500000000000000000000"
    "0000000000009500000093a777656273697465a3617070a654657374656428b52ffd602f005d040042c91c1c606b75c6"
    "e86f82cc8cdcb61c2e6fa448b8e0c23848cd1464ec08d7020242a2b8c6278148b337d88b0b3b8fd769c6a9d5bbb64e86"
    "4e6f81bd695f87fa96b60a2adfd79c1e27bd8eef5b96939308afd1c903e734335c51aa774e665ffdc1e97d6fee64c652"
    "709d3ef3583b082104051082000108000792c071078b89d09ae336e685606030f000b0"
)
"""Two events at position 7, as the first version of the format had them."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SHARED = {"message_id": TEXT, "user_id": st.none() | TEXT, "anonymous_id": st.none() | TEXT}
FIXED = {"received_at": st.just("r"), "timestamp": st.just("t")}
OPEN = st.dictionaries(TEXT, st.integers() | TEXT, max_size=3).map(lambda one: Raw(msgspec.json.encode(one)))
EVENTS: st.SearchStrategy[AnyEvent] = st.one_of(
    st.builds(
        Track,
        event=st.text(st.characters(exclude_categories=["Cs"])),
        properties_json=OPEN,
        **SHARED,
        **FIXED,
    ),
    st.builds(Identify, traits_json=OPEN, **SHARED, **FIXED),
    st.builds(Page, name=st.none() | TEXT, **SHARED, **FIXED),
    st.builds(Screen, name=st.none() | TEXT, **SHARED, **FIXED),
    st.builds(Group, group_id=TEXT, **SHARED, **FIXED),
    st.builds(Alias, previous_id=TEXT, **SHARED, **FIXED),
)
PROFILES = st.none() | st.builds(
    ProfileSnapshot, id=TEXT | st.just(""), traits_json=st.just(EMPTY_OBJECT) | OPEN
)


def owned(event: AnyEvent, profile: ProfileSnapshot | None) -> AnyEvent:
    attach(event, profile)
    return event


ENVELOPES = st.builds(
    Envelope,
    position=st.just(0),
    source=st.sampled_from(["website", "app", "server"]),
    event=st.builds(owned, EVENTS, PROFILES),
    received_at=st.integers(0, 1 << 60),
    metadata=st.just(ABSENT) | OPEN,
)


def place(envelopes: list[Envelope], positions: list[int]) -> list[Envelope]:
    return [
        msgspec.structs.replace(one, position=position)
        for one, position in zip(envelopes, positions, strict=True)
    ]


def facts(envelope: Envelope) -> tuple[object, ...]:
    return (
        envelope.position, envelope.source, envelope.event.json, type(envelope.event), envelope.received_at,
        bytes(envelope.metadata), envelope.event.profile,
    )  # fmt: skip


def track(position: int, *, user: str = "u1", name: str = "Tested", source: str = "website") -> Envelope:
    event = Track(event=name, message_id=f"m{position}", user_id=user, received_at="r", timestamp="t")
    return Envelope(position, source, event, position)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), envelopes=st.lists(ENVELOPES, max_size=150), first=st.integers(0, 1 << 50))
def test_what_is_encoded_is_decoded(data: st.DataObject, envelopes: list[Envelope], first: int) -> None:
    count = len(envelopes) + data.draw(st.integers(0, 80))
    slots = sorted(data.draw(st.permutations(range(count)))[: len(envelopes)])
    placed = place(envelopes, [first + slot for slot in slots])

    encoded = encode_segment(first, placed, store_id=STORE_ID, count=count)

    assert [facts(one) for one in decode_segment(encoded)] == [facts(one) for one in placed]
    assert Segment.parse(encoded).count == count


@settings(deadline=None, max_examples=40)
@given(data=st.data(), envelopes=st.lists(ENVELOPES, min_size=1, max_size=150))
def test_an_event_goes_without_the_others(data: st.DataObject, envelopes: list[Envelope]) -> None:
    placed = place(envelopes, list(range(len(envelopes))))
    gone = data.draw(st.sets(st.integers(0, len(envelopes) - 1)))

    rewritten = rewrite_without(encode_segment(0, placed, store_id=STORE_ID), gone)

    assert [facts(one) for one in decode_segment(rewritten)] == [
        facts(one) for one in placed if one.position not in gone
    ]
    assert Segment.parse(rewritten).count == len(envelopes)
    assert rewrite_without(rewritten, ()) == rewritten


def test_a_segment_of_the_first_version_is_read_and_rewritten() -> None:
    profile, nobody = decode_segment(FIRST_VERSION)

    assert profile.event.profile == ProfileSnapshot("use_1")
    assert bytes(profile.metadata) == b'{"bundled":[]}'
    assert nobody.event.profile is None
    assert [profile.position, nobody.position, nobody.source] == [7, 8, "app"]
    assert encode_segment(7, [profile, nobody], store_id=STORE_ID) == FIRST_VERSION
    assert [one.position for one in decode_segment(rewrite_without(FIRST_VERSION, [0]))] == [8]
    assert KeyColumns.read(FIRST_VERSION).find(_columns(FIRST_VERSION), [key_hash(STORE_ID, "u2")]) == [1]


def test_only_a_segment_with_traits_is_of_the_second_version() -> None:
    attach((gold := track(0)).event, ProfileSnapshot("use_1", Raw(b'{"plan":"gold"}')))

    encoded = encode_segment(0, [gold, track(1)], store_id=STORE_ID)

    assert (encoded[4], FIRST_VERSION[4]) == (2, 1)
    assert KeyColumns.read(encoded).find(_columns(encoded), [key_hash(STORE_ID, "u1")]) == [0, 1]


def test_a_later_version_is_not_read() -> None:
    data = bytearray(FIRST_VERSION)
    data[4] = 3

    with pytest.raises(SegmentDamaged, match="version 3"):
        decode_segment(bytes(data))
    with pytest.raises(SegmentDamaged):
        KeyColumns.read(bytes(data))


def _columns(data: bytes) -> bytes:
    found = KeyColumns.read(data)
    return data[found.start : found.start + found.size]


@given(data=st.data())
def test_damage_anywhere_is_noticed(data: st.DataObject) -> None:
    encoded = bytearray(encode_segment(7, [track(one) for one in range(7, 12)], store_id=STORE_ID))
    at = data.draw(st.integers(0, len(encoded) - 1))

    encoded[at] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(SegmentDamaged):
        decode_segment(bytes(encoded))


@given(st.binary(max_size=100))
def test_anything_else_is_no_segment(data: bytes) -> None:
    with pytest.raises(SegmentDamaged):
        Segment.parse(data)


def test_a_segment_that_is_cut_off_says_so() -> None:
    with pytest.raises(SegmentDamaged, match="cut off after 10 bytes"):
        decode_segment(encode_segment(0, [track(0)], store_id=STORE_ID)[:10])


def test_events_are_found_by_user_anonymous_and_previous_id() -> None:
    alias = Alias(previous_id="old", message_id="m", user_id="new", received_at="r", timestamp="t")
    anonymous = Page(anonymous_id="a1", message_id="m", received_at="r", timestamp="t")
    envelopes = [
        track(0),
        Envelope(1, "website", alias, 0),
        track(2, user="u2"),
        Envelope(3, "website", anonymous, 0),
    ]

    segment = Segment.parse(encode_segment(0, [*envelopes, track(4)], store_id=STORE_ID))

    assert segment.find(key_hash(STORE_ID, "u1")) == [0, 4]
    assert segment.find(key_hash(STORE_ID, "old")) == segment.find(key_hash(STORE_ID, "new")) == [1]
    assert segment.find(key_hash(STORE_ID, "a1")) == [3]
    assert segment.find(key_hash(STORE_ID, "nobody")) == []
    assert segment.find(key_hash(bytes(16), "u1")) == []


def test_a_deleted_event_is_not_found_any_more() -> None:
    encoded = encode_segment(0, [track(0), track(1, user="u2", name="Secret")], store_id=STORE_ID)

    segment = Segment.parse(rewrite_without(encoded, [1]))

    assert segment.find(key_hash(STORE_ID, "u2")) == []
    assert segment.event_names == ("Tested",)
    assert "Secret" not in segment.strings


def test_sources_and_event_names_are_known_without_decompressing() -> None:
    page = Page(name="Home", message_id="m", received_at="r", timestamp="t")
    envelopes = [track(0, name="A"), track(1, name="B", source="app"), Envelope(2, "app", page, 0)]

    segment = Segment.parse(encode_segment(0, envelopes, store_id=STORE_ID))

    assert sorted(segment.sources) == ["app", "website"]
    assert sorted(segment.event_names) == ["A", "B"]


def test_some_slots_can_be_decoded_alone() -> None:
    segment = Segment.parse(encode_segment(100, [track(one) for one in range(100, 400)], store_id=STORE_ID))

    assert [one.position for one in segment.envelopes([250, 3, 64])] == [103, 164, 350]


def test_an_event_outside_of_the_segment_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        encode_segment(5, [track(4)], store_id=STORE_ID)
    with pytest.raises(ValueError, match="outside"):
        encode_segment(0, [track(4)], store_id=STORE_ID, count=4)
