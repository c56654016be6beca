"""The settings that clients fetch before they send (browser-and-mobile 1, 3)."""

from typing import Any

import pytest

from router.testing.running import Running, running
from tests.flow.tracking.client import Reply, ask

PATH = "/v1/projects/wk_demo/settings"
PAGE = {"Origin": "https://shop.test"}
LISTED: dict[str, Any] = {
    "sources": {"website": {"write_key": "wk_demo", "list_destinations": True}},
    "destinations": {
        "crm": {"kind": "webhook", "settings": {"url": "http://127.0.0.1:1/", "secret": "top secret"}},
    },
}


async def fetch(rig: Running, path: str = PATH, **headers: str) -> Reply:
    """Fetch settings as a client does."""
    return await ask(rig, path, method="GET", headers=headers)


def values(found: Any) -> list[Any]:
    """Every value in JSON, however deep."""
    if isinstance(found, dict):
        return [inner for value in found.values() for inner in values(value)]
    return [inner for value in found for inner in values(value)] if isinstance(found, list) else [found]


async def test_browser_3_settings_name_the_key_and_our_host() -> None:
    async with running() as rig:
        settings = (await fetch(rig, Host="collect.test:8080")).json

    entry = settings["integrations"]["Segment.io"]
    assert (entry["apiKey"], entry["apiHost"], entry["protocol"]) == (
        "wk_demo",
        "collect.test:8080/v1",
        "http",
    )


async def test_browser_3_a_cloud_destination_is_not_listed() -> None:
    async with running({"destinations": LISTED["destinations"]}) as rig:
        assert list((await fetch(rig)).json["integrations"]) == ["Segment.io"]


async def test_a_source_may_list_its_cloud_destinations() -> None:
    async with running(LISTED) as rig:
        integrations = (await fetch(rig)).json["integrations"]

    assert integrations["Webhook"]["bundlingStatus"] == "unbundled"
    assert "Webhook" in integrations["Segment.io"]["unbundledIntegrations"]


@pytest.mark.parametrize("config", [{}, LISTED])
async def test_browser_4_no_value_of_the_settings_is_null(config: dict[str, Any]) -> None:
    async with running(config) as rig:
        assert None not in values((await fetch(rig)).json)


async def test_browser_4_no_secret_of_a_destination_is_in_the_settings() -> None:
    async with running(LISTED) as rig:
        body = (await fetch(rig)).body

    assert b"top secret" not in body
    assert b"127.0.0.1:1/" not in body


@pytest.mark.parametrize("path", ["/v1/projects/wk_unknown/settings", "/projects/wk_unknown/settings"])
async def test_browser_5_an_unknown_key_is_answered_404_readable_by_any_page(path: str) -> None:
    async with running() as rig:
        reply = await fetch(rig, path, **PAGE)

    assert reply.status == 404
    assert reply.headers["access-control-allow-origin"] in ("*", "https://shop.test")
    assert reply.headers["content-type"].startswith("text/plain")


async def test_a_disabled_source_has_no_settings() -> None:
    async with running({"sources": {"website": {"write_key": "wk_demo", "enabled": False}}}) as rig:
        assert (await fetch(rig)).status == 404


@pytest.mark.parametrize(
    "path",
    [PATH, PATH + "/", "/projects/wk_demo/settings", PATH + "?a=b&c", "/v1/projects/wk%5Fdemo/settings"],
)
async def test_browser_20_settings_are_answered_without_redirect(path: str) -> None:
    async with running() as rig:
        reply = await fetch(rig, path)

    assert (reply.status, reply.json["integrations"]["Segment.io"]["apiKey"]) == (200, "wk_demo")


async def test_browser_20_who_has_the_settings_is_told_that_they_are_the_same() -> None:
    async with running() as rig:
        tag = (await fetch(rig)).headers["etag"]
        reply = await fetch(rig, **{"If-None-Match": tag})

    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize("form", ["W/{}", '"other", {}', "*"])
async def test_browser_20_every_form_of_the_question_is_understood(form: str) -> None:
    async with running() as rig:
        tag = (await fetch(rig)).headers["etag"]

        assert (await fetch(rig, **{"If-None-Match": form.format(tag)})).status == 304


async def test_browser_20_who_has_other_settings_gets_these() -> None:
    async with running() as rig:
        assert (await fetch(rig, **{"If-None-Match": '"other"'})).status == 200


async def test_settings_are_kept_for_five_minutes() -> None:
    async with running() as rig:
        assert (await fetch(rig)).headers["cache-control"] == "public, max-age=300"


async def test_a_page_of_any_origin_may_read_the_settings() -> None:
    async with running() as rig:
        assert (await fetch(rig, **PAGE)).headers["access-control-allow-origin"] in ("*", "https://shop.test")


async def test_browser_22_behind_a_trusted_proxy_the_public_host_is_named() -> None:
    headers = {"Host": "inner:8080", "X-Forwarded-Host": "collect.test", "X-Forwarded-Proto": "https"}
    async with running({"server": {"trusted_proxies": ["127.0.0.1"]}}) as rig:
        entry = (await fetch(rig, **headers)).json["integrations"]["Segment.io"]

    assert (entry["apiHost"], entry["protocol"]) == ("collect.test/v1", "https")


async def test_browser_22_what_a_stranger_says_to_have_forwarded_is_not_believed() -> None:
    headers = {"Host": "collect.test", "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}
    async with running() as rig:
        entry = (await fetch(rig, **headers)).json["integrations"]["Segment.io"]

    assert (entry["apiHost"], entry["protocol"]) == ("collect.test/v1", "http")


@pytest.mark.parametrize("url", ["https://collect.test", "https://collect.test/"])
async def test_browser_22_the_configured_url_wins(url: str) -> None:
    async with running({"server": {"public_url": url}}) as rig:
        settings = (await fetch(rig, Host="inner:8080")).json

    entry = settings["integrations"]["Segment.io"]
    assert (entry["apiHost"], entry["protocol"]) == ("collect.test/v1", "https")
    assert settings["metrics"]["host"] == "collect.test/v1"


async def test_browser_17_settings_switch_the_metrics_of_the_sdk_off() -> None:
    async with running() as rig:
        assert (await fetch(rig)).json["metrics"]["sampleRate"] == 0


async def test_settings_list_only_destinations_that_the_source_is_connected_to() -> None:
    config = {
        "sources": {
            "website": {"write_key": "wk_demo", "list_destinations": True},
            "app": {"write_key": "wk_app"},
        },
        "destinations": {"apps": {"kind": "collect", "integration": "Apps", "sources": ["app"]}},
    }
    async with running(config) as rig:
        integrations = (await fetch(rig)).json["integrations"]

    assert "Collect" in integrations
    assert "Apps" not in integrations


CONSENT: dict[str, Any] = {
    "destinations": LISTED["destinations"],
    "consent": {
        "categories": {
            "advertising": {"destinations": ["crm"]},
            "analytics": {"destinations": ["Webhook"]},
            "off": {"destinations": ["crm"], "enabled": False},
        }
    },
}


async def test_browser_23_settings_name_the_categories_of_a_cloud_destination() -> None:
    async with running(CONSENT) as rig:
        settings = (await fetch(rig)).json

    categories = ["advertising", "analytics"]
    assert settings["integrations"]["Webhook"]["consentSettings"] == {"categories": categories}
    assert settings["consentSettings"]["allCategories"] == categories
    assert "top secret" not in values(settings)


async def test_browser_24_settings_say_truly_whether_a_destination_has_no_category() -> None:
    everything = {"categories": {"all": {"destinations": ["crm", "collect"]}}}
    async with running(CONSENT) as rig:
        assert (await fetch(rig)).json["consentSettings"]["hasUnmappedDestinations"]
    async with running({**CONSENT, "consent": everything}) as rig:
        assert not (await fetch(rig)).json["consentSettings"]["hasUnmappedDestinations"]
