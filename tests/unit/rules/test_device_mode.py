"""Device mode: what a client has sent to a destination itself is not sent again (events 5.4)."""

from typing import Any

import pytest
from msgspec import Raw

from router.rules.device_mode import DeviceMode
from tests.unit.rules.routing import addressee, envelope, event

BROWSER = event(context={"library": {"name": "analytics.js", "version": "next-1.84.3"}})
SERVER = event(context={"library": {"name": "@segment/analytics-node", "version": "3.1.0"}})
BUNDLED = {"bundled": ["Segment.io", "Mixpanel"], "unbundled": [], "bundledIds": []}


def has_sent(sent: Any, metadata: Any, *siblings: str, **fields: Any) -> bool:
    one = envelope(sent, metadata=metadata)
    return DeviceMode(addressee("Mixpanel", **fields), lambda: siblings).has_sent(one.event, one.metadata)


def test_events_17_a_client_that_bundles_the_destination_has_sent_the_event() -> None:
    assert has_sent(BROWSER, BUNDLED)


def test_events_17_a_server_that_says_so_has_not() -> None:
    assert not has_sent(SERVER, BUNDLED)


@pytest.mark.parametrize(
    "fields", [{"channel": "browser"}, {"channel": "mobile"}, {"context": {"channel": "mobile"}}]
)
def test_a_channel_tells_a_client_too(fields: dict[str, Any]) -> None:
    assert has_sent(event(**fields), BUNDLED)


@pytest.mark.parametrize(
    "context", [{"library": {"name": ["analytics.js"]}}, {"channel": {}}, {"library": "analytics.js"}]
)
def test_a_library_or_a_channel_of_another_kind_tells_nothing(context: dict[str, Any]) -> None:
    assert not has_sent(event(context=context), BUNDLED)


@pytest.mark.parametrize(
    "metadata",
    [None, {}, {"bundled": ["Segment.io"]}, {"unbundled": ["Mixpanel"]}, {"bundled": "Mixpanel"},
     {"bundled": ["mixpanel"]}, {"bundled": [{}, None, 1]}],
)  # fmt: skip
def test_who_is_not_in_the_list_was_not_sent_to(metadata: Any) -> None:
    assert not has_sent(BROWSER, metadata)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [([], True), (["mixpanel"], True), (["second"], False), (["mixpanel", "second"], True),
     (["59c2f0", "60d1a1"], True), ("second", True), ([["second"]], True)],
)  # fmt: skip
def test_of_several_instances_those_whose_ids_are_listed_are_meant(ids: Any, expected: bool) -> None:
    assert has_sent(BROWSER, {**BUNDLED, "bundledIds": ids}, "mixpanel", "second") is expected


def test_numbers_beyond_the_ordinary_do_no_harm() -> None:
    rule = DeviceMode(addressee("Mixpanel"))

    assert rule.has_sent(BROWSER, Raw(b'{"bundled":["Mixpanel",1e999],"retryCount":1e999}'))


def test_a_metadata_that_says_nothing_is_remembered_for_a_glance() -> None:
    rule = DeviceMode(addressee("Mixpanel"))
    quiet = Raw(b'{"nodeVersion":"20"}')

    assert not rule.has_sent(SERVER, quiet)
    assert rule.harmless == quiet
    assert rule.has_sent(BROWSER, envelope(BROWSER, metadata=BUNDLED).metadata)
