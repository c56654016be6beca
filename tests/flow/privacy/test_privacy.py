"""Personal data in a whole router: what is found, what people decide, and what is kept of it."""

import base64
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from router.events.calls import AnyEvent
from router.plugins.hookspecs import hookimpl
from router.plugins.settings import Settings
from router.plugins.transformation import Transformation
from router.rules.privacy.actions import decrypted
from router.telemetry.happenings import EventsBlocked
from router.testing.running import Running, running
from tests.flow.reload.rig import Reloading

SECRET_VALUE = "123-45-6789"


def config(control: dict[str, str] | None = None, **privacy: Any) -> dict[str, Any]:
    """A source with these controls, and a section."""
    return {
        "sources": {"website": {"write_key": "wk_demo", "privacy": control or {}}},
        "privacy": privacy,
    }


async def post(rig: Running, **members: Any) -> None:
    """Send a call through the door."""
    call = {"type": "track", "event": "A", "userId": "u1", **members}
    body = {"writeKey": "wk_demo", "batch": [call], "context": {"traits": {"ssn": SECRET_VALUE}}}
    async with aiohttp.ClientSession() as client, client.post(f"{rig.url}/v1/batch", json=body) as answer:
        assert answer.status == 200
    await rig.drained()


def inbox(rig: Running) -> dict[str, tuple[str, str]]:
    """Recommended colour and looks, by path."""
    return {one.path: (one.recommended, one.looks_like) for one in rig.router.privacy().inbox}


async def test_privacy_01_a_field_is_in_the_inbox_with_its_event() -> None:
    async with running(config()) as rig:
        await post(rig, properties={"ssn": SECRET_VALUE})

        assert inbox(rig)["properties.ssn"] == ("red", "999-99-9999")
        [found] = [one for one in rig.router.privacy().inbox if one.path == "properties.ssn"]
        assert (found.sources, found.events, SECRET_VALUE in repr(rig.router.privacy())) == (
            ["website"],
            1,
            False,
        )


async def test_without_a_section_nothing_is_looked_for() -> None:
    async with running({"sources": {"website": {"write_key": "wk_demo"}}}) as rig:
        await post(rig, properties={"ssn": SECRET_VALUE})

        assert rig.router.privacy().is_on is False
        assert inbox(rig) == {}


async def test_privacy_04_only_what_a_person_confirmed_is_blocked_and_from_the_next_event_on() -> None:
    async with running(config({"red": "block"})) as rig:
        await post(rig, properties={"ssn": SECRET_VALUE, "plan": "pro"})
        await Reloading(rig).reload(privacy={"red": ["ssn"]})
        await post(rig, properties={"ssn": SECRET_VALUE, "plan": "pro"})
        counters = await rig.counters()

        assert [one["properties"] for one in rig.delivered] == [
            {"ssn": SECRET_VALUE, "plan": "pro"},
            {"plan": "pro"},
        ]
        assert "properties.ssn" not in inbox(rig)
    first, second = ({**one, "messageId": 0, "properties": 0} for one in rig.delivered)
    assert first.keys() == second.keys()
    assert (
        counters["privacy", "website", "block", "ssn"] == 2
    )  # in the properties, and in the batch's context


class NoSettings(Settings, frozen=True):
    """None."""


class Fails(Transformation[NoSettings, AnyEvent]):
    """Raises at every event that says so."""

    kind = "fails"

    def transform(self, event: AnyEvent) -> AnyEvent:
        if "fail" in getattr(event, "properties", {}):
            raise RuntimeError("boom")
        return event


class FailsPlugin:
    @hookimpl
    def register_transformations(self) -> list[type[Fails]]:
        return [Fails]


async def test_privacy_05_a_blocked_value_is_nowhere_not_even_in_a_dead_letter(tmp_path: Path) -> None:
    fails = {"transformations": {"fails": {"kind": "fails", "sources": ["website"]}}}
    async with running(
        {**config({"red": "block"}, red=["ssn"]), **fails}, folder=tmp_path, plugins=[FailsPlugin()]
    ) as rig:
        await post(rig, properties={"ssn": SECRET_VALUE}, context={"traits": {"ssn": SECRET_VALUE}})
        await post(rig, properties={"ssn": SECRET_VALUE, "fail": 1}, traits={"ssn": SECRET_VALUE})
        letters = await rig.router.storage.dead_letters(None, 10)
        envelopes = [bytes(msgspec.json.encode(one)) for one in rig.delivered]

    assert len(letters) == 1
    assert len(envelopes) == 1
    assert SECRET_VALUE not in repr(letters)
    assert not [one for one in envelopes if SECRET_VALUE.encode() in one]


async def test_protocols_30_a_red_field_is_absent_from_what_destinations_get() -> None:
    async with running(config({"red": "block"}, red=["properties.card.number"])) as rig:
        await post(rig, properties={"card": {"number": "4111", "kind": "visa"}})

    assert rig.delivered[0]["properties"] == {"card": {"kind": "visa"}}


async def test_privacy_06_a_field_that_was_red_once_is_green_by_a_person_s_word_alone() -> None:
    async with running(config(green=["ssn"])) as rig:
        await post(rig, properties={"ssn": SECRET_VALUE})

        assert inbox(rig) == {}
        assert rig.router.privacy().inventory == {"ssn": "green"}


async def test_privacy_07_equal_addresses_have_one_digest_and_no_clear_text_is_kept() -> None:
    control = config({"yellow": "hash"}, yellow=["email"], secret="s3cret")
    async with running(control) as rig:
        for address in ("Ada@Example.com", " ada@example.COM "):
            await post(rig, type="identify", traits={"email": address, "plan": "pro"})

    first, second = (one["traits"] for one in rig.delivered)
    assert first == second
    assert len(first["email"]) == 64
    assert int(first["email"], 16)


async def test_values_can_be_masked_and_encrypted() -> None:
    key = base64.b64encode(bytes(32)).decode()
    control = config({"traits.card": "mask", "traits.salary": "encrypt"}, key=key)
    async with running(control) as rig:
        await post(rig, type="identify", traits={"card": "4111111111111111", "salary": 100})

    traits = rig.delivered[0]["traits"]
    assert traits["card"] == "************1111"
    assert decrypted(bytes(32), traits["salary"]) == 100


async def test_ids_are_out_of_reach() -> None:
    names = ["userId", "anonymousId", "messageId", "type", "event"]
    async with running(config({"red": "block"}, red=names)) as rig:
        await post(rig, anonymousId="a1", messageId="m1", properties={"userId": "x", "kept": 1})

    event = rig.delivered[0]
    assert (event["userId"], event["anonymousId"], event["messageId"], event["type"], event["event"]) == (
        "u1",
        "a1",
        "m1",
        "track",
        "A",
    )
    assert event["properties"] == {"kept": 1}


@pytest.mark.parametrize(
    "properties", [{"a": [[[[{"ssn": 1}]]]]}, {"": {"": {"ssn": 1}}}, {"ssn": {"ssn": {}}}]
)
async def test_odd_shapes_are_met_too(properties: dict[str, Any]) -> None:
    async with running(config({"red": "block"}, red=["ssn"])) as rig:
        await post(rig, properties=properties)

    assert "ssn" not in repr(rig.delivered[0])


async def test_hostile_fields_do_not_fill_the_inbox() -> None:
    async with running(config(look_every=1)) as rig:
        for number in range(30):
            await post(rig, properties={f"email_{number}_{one}": 1 for one in range(300)})

        assert len(rig.router.privacy().inbox) <= 2000


async def test_a_dead_letter_has_no_address_where_that_may_not_stay() -> None:
    fails = {"transformations": {"fails": {"kind": "fails", "sources": ["website"]}}}
    async with running({**config({"context.ip": "block"}), **fails}, plugins=[FailsPlugin()]) as rig:
        call = {
            "event": "A",
            "userId": "u1",
            "writeKey": "wk_demo",
            "properties": {"fail": 1},
            "channel": "browser",
        }
        async with aiohttp.ClientSession() as client, client.post(f"{rig.url}/v1/t", json=call) as answer:
            assert answer.status == 200
        await rig.drained()
        [letter] = await rig.router.storage.dead_letters(None, 10)

    assert "127.0.0.1" not in repr(letter)


async def test_who_watches_blocked_events_sees_nothing_that_privacy_takes_out() -> None:
    website = {"write_key": "k", "privacy": {"red": "block"}, "schema": {"block_events": ["Secret"]}}
    async with running({"sources": {"website": website}, "privacy": {"red": ["token"]}}) as rig:
        told: list[EventsBlocked] = []
        rig.signals.observe(lambda signal: told.append(signal) if isinstance(signal, EventsBlocked) else None)
        context, properties = {"token": "hush", "app": {"name": "a"}}, {"token": "hush", "n": 1}
        await rig.router.track(
            "Secret", user_id="u", context=context, properties=properties, source="website"
        )
        await rig.drained()

    [blocked] = [one for signal in told for one in signal.events]
    assert b"hush" not in blocked.event.json
    assert b'"n":1' in blocked.event.json
