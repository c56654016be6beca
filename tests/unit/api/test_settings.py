"""The settings that clients fetch: what stands in them, and under which host they send the clients."""

from typing import Any

import msgspec
import pytest

from router.api.settings import Connected, public_host, settings_json
from router.events.source import Source

SOURCE = Source(name="web", write_key="wk")


def decoded(source: Source = SOURCE, **options: Any) -> dict[str, Any]:
    return dict(msgspec.json.decode(settings_json(source, api_host="h.test/v1", protocol="https", **options)))


def nulls(value: Any) -> bool:
    if isinstance(value, dict):
        return any(nulls(one) for one in value.values())
    return any(nulls(one) for one in value) if isinstance(value, list) else value is None


def test_by_default_only_segment_io_is_listed() -> None:
    settings = decoded()

    assert list(settings["integrations"]) == ["Segment.io"]
    segment = settings["integrations"]["Segment.io"]
    assert (segment["apiKey"], segment["apiHost"], segment["protocol"]) == ("wk", "h.test/v1", "https")


def test_nothing_is_null() -> None:
    assert not nulls(decoded(connected=[Connected("CRM", frozenset({"ads"}))]))


def test_a_listed_destination_is_cloud_mode_and_shows_no_setting() -> None:
    settings = decoded(
        Source(name="web", write_key="wk", list_destinations=True), connected=[Connected("CRM")]
    )

    assert settings["integrations"]["CRM"] == {
        "bundlingStatus": "unbundled",
        "type": "server",
        "versionSettings": {"componentTypes": ["server"]},
    }
    assert settings["integrations"]["Segment.io"]["unbundledIntegrations"] == ["CRM"]


def test_a_destination_that_needs_consent_is_listed_with_its_categories() -> None:
    connected = [
        Connected("CRM", frozenset({"b", "a"})),
        Connected("CRM", frozenset({"c"})),
        Connected("File"),
    ]

    settings = decoded(connected=connected)

    assert list(settings["integrations"]) == ["Segment.io", "CRM"]
    assert settings["integrations"]["CRM"]["consentSettings"] == {"categories": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("connected", "all_categories", "has_unmapped"),
    [
        ([], [], False),
        ([Connected("CRM")], [], True),
        ([Connected("CRM", frozenset({"ads"}))], ["ads"], False),
        ([Connected("CRM", frozenset({"ads"})), Connected("File")], ["ads"], True),
    ],
)
def test_clients_learn_whether_a_destination_needs_no_consent(
    connected: list[Connected], all_categories: list[str], has_unmapped: bool
) -> None:
    assert decoded(connected=connected)["consentSettings"] == {
        "allCategories": all_categories,
        "hasUnmappedDestinations": has_unmapped,
    }


def test_sdks_are_told_to_send_no_metrics() -> None:
    assert decoded()["metrics"] == {"sampleRate": 0, "host": "h.test/v1"}


@pytest.mark.parametrize(
    ("public_url", "headers", "is_proxied", "expected"),
    [
        ("https://c.test/", {"Host": "inner:8080"}, False, ("https", "c.test")),
        ("https://site.test/seg", {}, False, ("https", "site.test/seg")),
        (None, {"Host": "router.test:8080"}, False, ("http", "router.test:8080")),
        (None, {"Host": "[::1]:80"}, False, ("http", "[::1]:80")),
        (
            None,
            {"Host": "in", "X-Forwarded-Host": "out", "X-Forwarded-Proto": "https"},
            True,
            ("https", "out"),
        ),
        (
            None,
            {"Host": "in", "X-Forwarded-Host": "out", "X-Forwarded-Proto": "https"},
            False,
            ("http", "in"),
        ),
        (None, {"Host": "in", "X-Forwarded-Proto": "javascript"}, True, ("http", "in")),
        (None, {"Host": 'x"/evil'}, False, ("http", "here:1")),
        (None, {}, False, ("http", "here:1")),
    ],
)
def test_clients_are_sent_to_the_public_host(
    public_url: str | None, headers: dict[str, str], is_proxied: bool, expected: tuple[str, str]
) -> None:
    assert public_host(public_url, headers, is_proxied=is_proxied, fallback="here:1") == expected
