"""A destination without code, delivered by the engine like any other."""

from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from router.events.calls import AnyEvent, Identify, Track
from router.plugins.declarative.reading import define
from router.plugins.destination import Requests
from router.plugins.policies import Batching
from router.plugins.request import Request
from router.plugins.settings import Secret
from router.testing.fake_http import FakeHttp
from tests.flow.delivery.rig import Hook, HookSettings, envelope, identify, rig

MAPPINGS = [
    {"name": "all", "trigger": 'type = "track"', "payload": {"id": {"@path": "$.messageId"}}},
    {
        "name": "some",
        "trigger": 'type = "track" and event != "E1"',
        "payload": {"also": {"@path": "$.messageId"}},
    },
]
DEFINITION: dict[str, Any] = {
    "description": "Send ids.",
    "settings": {"url": {"description": "Where.", "secret": True}},
    "request": {"url": "{{settings.url}}"},
    "mappings": MAPPINGS,
}


def declared(service: FakeHttp, **changes: Any) -> Any:
    cls = define({**DEFINITION, **changes}, "ids.toml", kind="ids")
    return lambda: cls(cls.settings_type()(url=Secret(service.url)), name="ids")  # type: ignore[call-arg]


async def test_an_event_without_a_matching_mapping_is_filtered_with_that_reason(service: FakeHttp) -> None:
    async with rig(declared(service)) as one:
        one.publish(envelope(0), identify(1, "u"), envelope(2))
        await one.finished(3)

        assert one.store.count("filtered", "NO_MATCHING_MAPPING") == 1
        assert one.store.count("delivered") == 2


async def test_each_matching_mapping_sends_its_own_request(service: FakeHttp) -> None:
    async with rig(declared(service)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert [request.json() for request in service.requests] == [
            {"id": "m0"},
            {"also": "m0"},
            {"id": "m1"},
        ]


async def test_a_mapping_whose_request_fails_does_not_hold_back_the_others(service: FakeHttp) -> None:
    service.script(400, 200)
    async with rig(declared(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert [request.json() for request in service.requests] == [{"id": "m0"}, {"also": "m0"}]
        assert one.store.count("dead") == 1


async def test_an_event_that_cannot_be_mapped_is_dead_with_the_reason_and_the_others_arrive(
    service: FakeHttp,
) -> None:
    payload = {"id": {"@path": {"@path": "$.properties.where"}}}
    only = [{"name": "only", "trigger": 'type = "track"', "payload": payload}]
    good = Track(
        event="E",
        message_id="m9",
        received_at="r",
        timestamp="t",
        properties_json=Raw(b'{"where":"$.event"}'),
    )
    async with rig(declared(service, mappings=only), batching=Batching(max_events=10)) as one:
        one.publish(envelope(0), envelope(1).replace_event(good))
        await one.finished(2)

        assert [request.json() for request in service.requests][-1] == {"id": "E"}
        assert one.store.count("dead") == 1
        assert "mapping 'only': @path needs text" in str(one.store.letters[0])


async def test_the_secret_of_an_address_is_not_in_a_dead_letter(service: FakeHttp) -> None:
    service.script(400)
    async with rig(declared(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert service.url not in str(one.store.letters[0])


async def test_triggers_that_raise_harm_only_the_events_of_their_plugin(service: FakeHttp) -> None:
    class Choosy(Hook):
        def wants(self, event: AnyEvent) -> bool:
            if event.message_id == "m1":
                raise RuntimeError("no idea")
            return event.message_id != "m2"

        def requests(self, events: Sequence[Track | Identify]) -> Requests:
            for event in events:
                yield Request.post(self.settings.url, json=event.message_id)
            return None

    async with rig(lambda: Choosy(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0), envelope(1), envelope(2))
        await one.finished(3)

        assert [request.json() for request in service.requests] == ["m0", "m1"]
        assert one.store.count("filtered", "NO_MATCHING_MAPPING") == 1
