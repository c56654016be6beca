"""Who gets an event, through a whole router: each refusal with its reason code, and every sum even."""

from collections.abc import Sequence
from typing import Any

import pytest

from router import Destination, Outcome, Settings, Track, hookimpl
from router.admin.last import Kept
from router.events.calls import AnyEvent
from router.telemetry.conservation import all_sums
from router.testing.running import Running, running
from tests.flow.tracking.client import ask
from tests.unit.rules.routing import envelope, event

BUNDLED = {"bundled": ["Segment.io", "Service"], "unbundled": [], "bundledIds": []}
ADS = {"categories": {"ads": {"destinations": ["Service"]}}}


class NoSettings(Settings, frozen=True):
    """It has none."""


class Recording(Destination[NoSettings, AnyEvent]):
    """Remember what came, under the name of the section."""

    taken: dict[str, list[dict[str, Any]]]

    async def deliver(self, events: Sequence[AnyEvent]) -> Sequence[Outcome] | None:
        for one in events:
            self.taken.setdefault(self.name, []).append({**one.fields, "options": self.options(one)})
        return None


class Offer:
    """Registers kinds that remember into one place."""

    def __init__(self) -> None:
        self.taken: dict[str, list[dict[str, Any]]] = {}
        self.classes = [
            self._kind("service", {}),
            self._kind("other", {"other_names": ("Another",)}),
            self._kind("shy", {"default_enabled": False}),
            self._kind("table", {"category": "warehouse"}),
            self._kind("bucket", {"category": "raw", "display_name": "S3"}),
            self._kind("choosing", {"wants": lambda _, event: True}),
        ]

        class Tracks(Recording, Destination[NoSettings, Track]):
            """Takes track calls only."""

            kind = "tracks"
            taken = self.taken

        self.classes.append(Tracks)

    def _kind(self, kind: str, members: dict[str, Any]) -> type[Recording]:
        return type(kind.title(), (Recording,), {"kind": kind, "taken": self.taken, **members})

    @hookimpl
    def register_destinations(self) -> list[type[Destination[Any, Any]]]:
        return list(self.classes)

    def names(self, section: str) -> list[str]:
        """The names of the track calls that reached it."""
        return [one["event"] for one in self.taken.get(section, [])]


@pytest.fixture
def offer() -> Offer:
    return Offer()


def router(offer: Offer, *kinds: str, **sections: Any) -> Any:
    """A router with a destination of each kind under the kind's name; more of `destinations` wins."""
    destinations = {kind: {"kind": kind} for kind in kinds}
    destinations.update(sections.pop("destinations", {}))
    return running({"destinations": destinations, **sections}, plugins=[offer])


async def send(rig: Running, event: str = "E", **members: Any) -> None:
    """A call as a client sends it, all of it delivered."""
    body = {"type": "track", "userId": "u1", "event": event, "writeKey": "wk_demo", **members}
    await ask(rig, "/v1/track", body)
    await rig.drained()


async def filtered(rig: Running, section: str) -> dict[str, int]:
    """How many events did not get there, by reason; all sums are even."""
    found = all_sums(await rig.router.storage.books())
    assert not any(one.missing for one in found), found
    counters = await rig.counters()
    return {key[2]: number for key, number in counters.items() if key[:2] == ("filtered", section)}


async def test_events_12_only_the_one_that_is_named_gets_it_and_sees_its_options(offer: Offer) -> None:
    async with router(offer, "service", "other") as rig:
        await send(rig, integrations={"All": False, "Service": {"k": 1}})

        assert offer.taken["service"][0]["options"] == {"k": 1}
        assert await filtered(rig, "other") == {"FILTERED_BY_INTEGRATIONS_OBJECT": 1}


async def test_protocols_10_all_false_is_for_services_only(offer: Offer) -> None:
    async with router(offer, "service", "table", "bucket") as rig:
        await send(rig, integrations={"All": False})

        assert (offer.names("service"), offer.names("table"), offer.names("bucket")) == ([], ["E"], ["E"])


async def test_events_11_warehouses_are_switched_by_their_own_key_and_by_their_ids(offer: Offer) -> None:
    tables = {"w1": {"kind": "table"}, "w2": {"kind": "table"}}
    async with router(offer, "service", destinations=tables) as rig:
        await send(rig, "none", integrations={"Warehouses": {"all": False}})
        await send(rig, "one", integrations={"Warehouses": {"warehouseIds": ["w1"]}})

        assert (offer.names("w1"), offer.names("w2"), offer.names("service")) == (
            ["one"],
            [],
            ["none", "one"],
        )


async def test_events_13_a_name_in_the_wrong_case_is_counted_once_and_changes_nothing(offer: Offer) -> None:
    async with router(offer, "service", "other") as rig:
        await send(rig, integrations={"service": False, "Another": True})
        await send(rig, integrations={"All": True, "Segment.io": False, "S3": True})
        counters = await rig.counters()
        metrics = (await ask(rig, "/metrics", method="GET")).body.decode()

        assert offer.names("service") == ["E", "E"]
        assert counters["filtered_at_destination", "website", "UNKNOWN_INTEGRATION"] == 1
        assert 'reason="UNKNOWN_INTEGRATION"' in metrics


async def test_events_14_who_is_off_by_default_gets_what_names_it(offer: Offer) -> None:
    async with router(offer, "shy") as rig:
        await send(rig, "without")
        await send(rig, "with", integrations={"Shy": True})

        assert offer.names("shy") == ["with"]
        assert await filtered(rig, "shy") == {"FILTERED_BY_INTEGRATIONS_OBJECT": 1}


async def test_events_15_every_instance_of_a_name_follows_it(offer: Offer) -> None:
    two = {"first": {"kind": "service"}, "second": {"kind": "service"}}
    async with router(offer, destinations=two) as rig:
        await send(rig, integrations={"Service": False})

        assert (offer.names("first"), offer.names("second")) == ([], [])


async def test_a_section_may_say_what_events_call_its_destination(offer: Offer) -> None:
    named = {"crm": {"kind": "service", "integration": "Mixpanel"}}
    async with router(offer, "service", destinations=named) as rig:
        await send(rig, integrations={"All": False, "Mixpanel": {"k": 2}})

        assert offer.taken["crm"][0]["options"] == {"k": 2}
        assert offer.names("service") == []


@pytest.mark.parametrize(
    ("integrations", "names"), [({}, []), ({"All": True}, []), ({"Service": True}, ["Clicked"])]
)
async def test_events_16_a_schema_filter_never_overrides_what_the_event_says(
    offer: Offer, integrations: dict[str, Any], names: list[str]
) -> None:
    sources = {
        "website": {
            "write_key": "wk_demo",
            "integration_filters": [{"event": "Clicked", "destinations": ["service"]}],
        }
    }
    async with router(offer, "service", "other", sources=sources) as rig:
        await send(rig, "Clicked", integrations=integrations)

        assert (offer.names("service"), offer.names("other")) == (names, ["Clicked"])
        if not names:
            assert await filtered(rig, "service") == {"FILTERED_BY_INTEGRATIONS_OBJECT": 1}


async def test_browser_21_what_a_client_has_sent_itself_is_not_sent_again(offer: Offer) -> None:
    browser = {"library": {"name": "analytics.js", "version": "next-1.84.3"}}
    async with router(offer, "service", "other") as rig:
        await send(rig, "browser", context=browser, _metadata=BUNDLED)
        await send(rig, "server", _metadata=BUNDLED)

        assert (offer.names("service"), offer.names("other")) == (["server"], ["browser", "server"])
        assert await filtered(rig, "service") == {"MESSAGE_SENT_CLIENT_SIDE": 1}


async def test_events_17_bundled_ids_tell_instances_apart_as_they_are_now(offer: Offer) -> None:
    two = {"first": {"kind": "service"}, "second": {"kind": "service"}}
    async with router(offer, destinations=two) as rig:
        await send(rig, "one", channel="browser", _metadata={**BUNDLED, "bundledIds": ["first"]})
        await send(rig, "foreign", channel="browser", _metadata={**BUNDLED, "bundledIds": ["5e1"]})

        assert (offer.names("first"), offer.names("second")) == ([], ["one"])


async def test_protocols_29_one_refused_category_is_enough(offer: Offer) -> None:
    consent = {
        "categories": {"ads": {"destinations": ["Service"]}, "analytics": {"destinations": ["Service"]}}
    }
    chosen = {"consent": {"categoryPreferences": {"ads": True, "analytics": False}}}
    async with router(offer, "service", "other", consent=consent) as rig:
        await send(rig, context=chosen)

        assert (offer.names("service"), offer.names("other")) == ([], ["E"])
        assert await filtered(rig, "service") == {"FILTERED_BY_END_USER_CONSENT": 1}


async def test_events_19_consent_goes_before_the_integrations_object(offer: Offer) -> None:
    async with router(offer, "service", consent=ADS) as rig:
        await send(rig, context=_refused(), integrations={"Service": True})

        assert await filtered(rig, "service") == {"FILTERED_BY_END_USER_CONSENT": 1}


async def test_privacy_34_a_destination_without_consent_is_skipped_with_that_reason(offer: Offer) -> None:
    async with router(offer, "service", consent=ADS) as rig:
        await send(rig, context=_refused())

        assert await filtered(rig, "service") == {"FILTERED_BY_END_USER_CONSENT": 1}
        assert offer.names("service") == []


async def test_events_21_raw_storage_gets_what_nobody_agreed_to(offer: Offer) -> None:
    consent = {"categories": {"ads": {"destinations": ["bucket", "table"]}}}
    async with router(offer, "bucket", "table", consent=consent) as rig:
        await send(rig, context=_refused())

        assert (offer.names("bucket"), offer.names("table")) == (["E"], ["E"])


async def test_events_22_changed_consent_of_a_wrong_shape_is_dropped_at_ingest(offer: Offer) -> None:
    async with router(offer, "service") as rig:
        wrong = {"consent": {"categoryPreferences": {"ads": "yes"}}}
        await send(rig, "Segment Consent Preference Updated", context=wrong)
        counters = await rig.counters()

        assert offer.names("service") == []
        reason = "consent_categorypreferences_fields_should_be_bool"
        assert counters["failed_on_ingest", "website", reason] == 1


async def test_events_23_who_has_triggers_hears_that_all_was_withdrawn(offer: Offer) -> None:
    consent = {"categories": {"ads": {"destinations": ["Choosing", "Service"]}}}
    async with router(offer, "choosing", "service", consent=consent) as rig:
        await send(rig, "Segment Consent Preference Updated", context=_refused())
        await send(rig, "E", context=_refused())

        assert offer.names("choosing") == ["Segment Consent Preference Updated"]
        assert offer.names("service") == []


async def test_events_24_a_category_that_is_switched_off_is_ignored(offer: Offer) -> None:
    consent = {"categories": {"ads": {"destinations": ["Service"], "enabled": False}}}
    async with router(offer, "service", consent=consent) as rig:
        await send(rig, context=_refused())

        assert offer.names("service") == ["E"]


async def test_events_29_the_type_is_judged_before_everything_else(offer: Offer) -> None:
    drops = {
        "tracks": {"kind": "tracks", "filters": [{"actions": [{"type": "DROP"}]}], "filter": "type = 'x'"}
    }
    async with router(offer, destinations=drops) as rig:
        await rig.router.page(user_id="u1", integrations={"Tracks": False})
        await rig.drained()

        assert await filtered(rig, "tracks") == {"UNSUPPORTED_EVENT_TYPE": 1}


async def test_each_step_goes_before_those_behind_it(offer: Offer) -> None:
    section = {"service": {"kind": "service", "filter": "event = 'X'"}}
    async with router(offer, destinations=section, consent=ADS) as rig:
        nobody = {"Service": False}
        await send(rig, channel="browser", _metadata=BUNDLED, context=_refused(), integrations=nobody)
        await send(rig, context=_refused(), integrations=nobody)
        await send(rig, integrations=nobody)
        await send(rig)

        assert await filtered(rig, "service") == {
            "MESSAGE_SENT_CLIENT_SIDE": 1,
            "FILTERED_BY_END_USER_CONSENT": 1,
            "FILTERED_BY_INTEGRATIONS_OBJECT": 1,
            "FILTERED_BY_RULES": 1,
        }


def test_a_preview_sees_what_the_client_said_it_had_sent() -> None:
    for metadata in (None, BUNDLED):
        one = envelope(event(), metadata=metadata)

        assert Kept.of(one).envelope().metadata == one.metadata


def _refused() -> dict[str, Any]:
    return {"consent": {"categoryPreferences": {"ads": False}}}
