"""What is joined into `context`: the batch's own, the caller's address, the browser's name (tracking-api 4, 9)."""

from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, stored, track

PROXIED = {"server": {"trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8"]}}
BROWSER = {**DEMO, "User-Agent": "Mozilla/5.0"}


async def test_tracking_28_a_client_path_gets_the_address_of_the_caller() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/t", track())

    assert event["context"]["ip"] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/v1/i", "/v1/p", "/v1/s", "/v1/g", "/v1/a"])
async def test_tracking_28_every_short_path_is_a_clients(path: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, path, track(groupId="g1", previousId="p1"))

    assert event["context"]["ip"] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch", "/v1/import"])
async def test_tracking_28_a_server_path_does_not(path: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, path, {**track(), "batch": [track()]})

    assert "ip" not in event["context"]


HINTS: list[dict[str, Any]] = [
    {"context": {"direct": True}},
    {"channel": "browser"},
    {"channel": "mobile"},
    {"context": {"library": {"name": "analytics-ios"}}},
    {"context": {"library": {"name": "analytics-android", "version": "4"}}},
    {"context": {"library": {"name": "analytics.js"}}},
    {"context": {"direct": True, "ip": None}},
]


@pytest.mark.parametrize("fields", HINTS)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_tracking_28_a_call_that_shows_to_come_from_a_client_gets_the_address(
    path: str, fields: dict[str, Any]
) -> None:
    call = track(**fields)
    async with running() as rig:
        [event] = await stored(rig, path, {"batch": [call]} if path == "/v1/batch" else call)

    assert event["context"]["ip"] == "127.0.0.1"


@pytest.mark.parametrize(
    "fields",
    [{"context": {"direct": "yes"}}, {"context": {"direct": False}}, {"channel": "server"}, {"channel": 1}],
)
async def test_tracking_28_other_hints_ask_for_nothing(fields: dict[str, Any]) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(**fields))

    assert "ip" not in event["context"]


@pytest.mark.parametrize("ip", ["0.0.0.0", "192.0.2.7", "", "unknown", 42, False])
async def test_tracking_29_an_address_that_was_sent_is_kept(ip: Any) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/t", track(context={"ip": ip}))

    assert event["context"]["ip"] == ip


async def test_a_forwarded_address_of_a_stranger_is_not_believed() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/t", track(), headers={**DEMO, "X-Forwarded-For": "192.0.2.7"})

    assert event["context"]["ip"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.1.2.3", "192.0.2.7"),
        ("192.0.2.7,10.1.2.3,10.1.2.4", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_right_most_stranger_that_a_trusted_proxy_names_is_the_client(
    chain: str, client: str
) -> None:
    async with running(PROXIED) as rig:
        [event] = await stored(rig, "/v1/t", track(), headers={**DEMO, "X-Forwarded-For": chain})

    assert event["context"]["ip"] == client


@pytest.mark.parametrize(("setting", "expected"), [(False, None), (True, "2001:db8::7")])
async def test_ipv6_is_collected_where_the_source_wants_it(setting: bool, expected: str | None) -> None:
    config = {**PROXIED, "sources": {"website": {"write_key": "wk_demo", "collect_ipv6": setting}}}
    async with running(config) as rig:
        [event] = await stored(rig, "/v1/t", track(), headers={**DEMO, "X-Forwarded-For": "2001:db8::7"})

    assert event["context"].get("ip") == expected


async def test_a_source_may_collect_no_addresses() -> None:
    async with running({"sources": {"website": {"write_key": "wk_demo", "collect_ip": False}}}) as rig:
        [event] = await stored(rig, "/v1/t", track())

    assert "ip" not in event["context"]


async def test_a_client_path_gets_the_user_agent() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/t", track(), headers=BROWSER)

    assert event["context"]["userAgent"] == "Mozilla/5.0"


@pytest.mark.parametrize("fields", [{}, {"context": {"direct": True}}])
async def test_a_server_path_gets_no_user_agent(fields: dict[str, Any]) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(**fields), headers=BROWSER)

    assert "userAgent" not in event["context"]


async def test_a_user_agent_that_was_sent_is_kept() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/t", track(context={"userAgent": "Mine"}), headers=BROWSER)

    assert event["context"]["userAgent"] == "Mine"


async def test_tracking_30_the_context_of_a_batch_is_in_every_event_and_the_events_own_wins() -> None:
    body = {
        "context": {"app": {"name": "Shop", "build": 1}, "locale": "de", "direct": 1},
        "batch": [track(), track(context={"app": {"name": "Mine"}, "locale": "fr", "os": {"name": "x"}})],
    }
    async with running() as rig:
        first, second = await stored(rig, "/v1/batch", body)

    assert first["context"] == {"app": {"name": "Shop", "build": 1}, "locale": "de", "direct": 1}
    assert second["context"] == {
        "app": {"name": "Mine", "build": 1}, "locale": "fr", "direct": 1, "os": {"name": "x"}
    }  # fmt: skip


async def test_the_integrations_of_a_batch_are_in_every_event_and_the_events_own_win() -> None:
    body = {
        "integrations": {"All": False, "Collect": True},
        "batch": [track(), track(integrations={"All": True, "Collect": {"list": 1}})],
    }
    async with running() as rig:
        first, second = await stored(rig, "/v1/batch", body)

    assert first["integrations"] == {"All": False, "Collect": True}
    assert second["integrations"] == {"All": True, "Collect": {"list": 1}}


@pytest.mark.parametrize("value", [None, "text", 42, [], True])
@pytest.mark.parametrize("name", ["context", "integrations"])
async def test_a_batchs_context_that_is_no_object_counts_as_absent(name: str, value: Any) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", {name: value, "batch": [track(**{name: {"a": 1}})]})

    assert event[name] == {"a": 1}


async def test_the_context_of_a_batch_is_kept_when_some_of_its_members_are_refused() -> None:
    body = {"context": {"a": 1}, "integrations": {"b": True}, "sentAt": None, "batch": [{}, track()]}
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", body)

    assert (event["context"], event["integrations"]) == ({"a": 1}, {"b": True})
