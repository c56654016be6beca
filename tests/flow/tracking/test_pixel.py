"""The pixel: always an image, and an event where there is one (tracking-api 12)."""

import base64
from typing import Any
from urllib.parse import quote

import pytest

from router.testing.running import Running, running
from tests.flow.tracking.client import Reply, ask, encoded, failed

CALL = {"writeKey": "wk_demo", "userId": "u1", "event": "Email Opened", "properties": {"a": "ÿ?>~ü", "n": 1}}
GARBAGE = [
    "",
    "?",
    "?data=",
    "?data=%%%",
    "?data=not-base64!",
    "?data=bm90IGpzb24=",
    "?data=W10=",
    "?data=/w==",
    "?userId=u1&event=E",
    "?writeKey=wk_unknown&userId=u1&event=E",
    "?writeKey=wk_demo",
    "?a.b=1&a=2&a.b.c=3&writeKey=wk_demo",
    "?" + ".".join("a" * 200) + "=1&writeKey=wk_demo",
    "?%ff=%fe&writeKey=%00",
]


async def look(
    rig: Running, query: str, *, kind: str = "track", method: str = "GET", **headers: str
) -> Reply:
    """Fetch the pixel."""
    return await ask(rig, f"/v1/pixel/{kind}{query}", method=method, headers=headers)


def data(call: Any) -> str:
    """A query with a call in URL-safe base64 without padding."""
    return "?data=" + base64.urlsafe_b64encode(encoded(call)).decode().rstrip("=")


def is_image(reply: Reply) -> bool:
    return (
        reply.status == 200 and reply.headers["content-type"] == "image/gif" and reply.body[:6] == b"GIF89a"
    )


@pytest.mark.parametrize("query", GARBAGE)
async def test_tracking_31_garbage_is_answered_with_the_image(query: str) -> None:
    async with running() as rig:
        reply = await look(rig, query)
        await rig.drained()

        assert is_image(reply)
        assert rig.delivered == []


async def test_tracking_31_url_safe_base64_without_padding_is_stored() -> None:
    async with running() as rig:
        assert is_image(await look(rig, data(CALL)))
        [event] = await rig.shelf.wait(1)

    assert (event["type"], event["event"], event["properties"]) == (
        "track",
        "Email Opened",
        CALL["properties"],
    )


@pytest.mark.parametrize("padding", ["", "=", "=="])
@pytest.mark.parametrize("with_plus", ["+", " ", "%2B", "%20"])
async def test_tracking_31_standard_base64_is_stored_also_when_plus_became_a_space(
    with_plus: str, padding: str
) -> None:
    text = base64.b64encode(encoded({**CALL, "properties": {"a": ">>>"}})).decode().rstrip("=") + padding
    async with running() as rig:
        await look(rig, "?data=" + text.replace("+", quote(with_plus, safe="%+")))

        assert len(await rig.shelf.wait(1)) == 1


@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group", "alias"])
async def test_there_is_a_pixel_of_every_type(kind: str) -> None:
    call = {**CALL, "groupId": "g1", "previousId": "p1"}
    async with running() as rig:
        await look(rig, data(call), kind=kind)
        [event] = await rig.shelf.wait(1)

    assert event["type"] == kind


async def test_tracking_32_dotted_keys_are_nested_and_their_values_text() -> None:
    query = "?userId=u1&event=Email%20Opened&properties.subject=Hi+you&properties.item.n=42&writeKey=wk_demo"
    async with running() as rig:
        assert is_image(await look(rig, query))
        [event] = await rig.shelf.wait(1)

    assert event["event"] == "Email Opened"
    assert event["properties"] == {"subject": "Hi you", "item": {"n": "42"}}
    assert "writeKey" not in event


async def test_the_key_may_stand_beside_the_data() -> None:
    call = {name: value for name, value in CALL.items() if name != "writeKey"}
    async with running() as rig:
        await look(rig, data(call) + "&writeKey=wk_demo")

        assert len(await rig.shelf.wait(1)) == 1


async def test_the_image_is_not_kept_by_the_reader() -> None:
    async with running() as rig:
        assert (await look(rig, data(CALL))).headers["cache-control"] == "no-store"


async def test_a_pixel_is_a_clients_call() -> None:
    async with running() as rig:
        await look(rig, data(CALL), **{"User-Agent": "Mail/1"})
        [event] = await rig.shelf.wait(1)

    assert (event["context"]["ip"], event["context"]["userAgent"]) == ("127.0.0.1", "Mail/1")


async def test_head_records_the_event_too() -> None:
    async with running() as rig:
        reply = await look(rig, data(CALL), method="HEAD")

        assert (reply.status, reply.headers["content-type"]) == (200, "image/gif")
        assert len(await rig.shelf.wait(1)) == 1


async def test_a_bad_call_is_answered_with_the_image_and_counted() -> None:
    async with running() as rig:
        assert is_image(await look(rig, data({"writeKey": "wk_demo", "event": "E"})))

        assert await failed(rig) == {"no_user_anon_id": 1}


async def test_a_rate_limit_is_answered_with_the_image() -> None:
    async with running({"sources": {"website": {"write_key": "wk_demo", "rate_limit": 1}}}) as rig:
        replies = [await look(rig, data(CALL)) for _ in range(5)]

    assert all(is_image(reply) for reply in replies)


async def test_strict_mode_does_not_change_the_image() -> None:
    async with running({"server": {"strict_write_keys": True}}) as rig:
        assert is_image(await look(rig, "?writeKey=wk_unknown&userId=u1&event=E"))
