"""The build of analytics.js, served from the folder that the operator names (browser-and-mobile 1, 2.4)."""

from pathlib import Path
from typing import Any

import pytest

from router.testing.running import Running, running
from tests.flow.tracking.client import Reply, ask

SCRIPT = "/analytics.js/v1/wk_demo/analytics.min.js"
CHUNKS = ["ajs-destination.bundle.0a1b.js", "queryString.bundle.2c3d.js", "150.bundle.4e5f.js"]


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """A router that serves a small build."""
    (tmp_path / "standalone.js").write_text('var key="__WRITE_KEY__";', encoding="utf-8")
    (tmp_path / "secret.txt").write_text("private", encoding="utf-8")
    for name in CHUNKS:
        (tmp_path / name).write_text(f"/* {name} */", encoding="utf-8")
    return {"server": {"analytics_js": str(tmp_path)}}


async def fetch(rig: Running, path: str, *, method: str = "GET", **headers: str) -> Reply:
    """Fetch a file as a page does."""
    return await ask(rig, path, method=method, headers=headers)


@pytest.mark.parametrize(
    "path",
    [SCRIPT, "/analytics.js/v1/wk_demo/platform/analytics.min.js", "/analytics.js/v1/wk_demo/analytics.js"],
)
async def test_the_script_carries_the_key_of_its_path(config: dict[str, Any], path: str) -> None:
    async with running(config) as rig:
        reply = await fetch(rig, path)

    assert (reply.status, reply.body) == (200, b'var key="wk_demo";')
    assert reply.headers["content-type"].startswith("application/javascript")


async def test_the_script_is_kept_for_five_minutes_and_asked_for_again_by_its_tag(
    config: dict[str, Any],
) -> None:
    async with running(config) as rig:
        first = await fetch(rig, SCRIPT)
        again = await fetch(rig, SCRIPT, **{"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "public, max-age=300"
    assert (again.status, again.body) == (304, b"")


async def test_the_scripts_of_two_sources_differ(config: dict[str, Any]) -> None:
    sources = {"a": {"write_key": "wk_a"}, "b": {"write_key": "wk_b"}}
    async with running({**config, "sources": sources}) as rig:
        replies = [await fetch(rig, f"/analytics.js/v1/{key}/analytics.min.js") for key in ("wk_a", "wk_b")]

    assert [reply.body for reply in replies] == [b'var key="wk_a";', b'var key="wk_b";']
    assert replies[0].headers["etag"] != replies[1].headers["etag"]


async def test_an_unknown_key_has_no_script(config: dict[str, Any]) -> None:
    async with running(config) as rig:
        assert (await fetch(rig, "/analytics.js/v1/wk_unknown/analytics.min.js")).status == 404


@pytest.mark.parametrize("name", CHUNKS)
async def test_browser_6_every_chunk_is_served(config: dict[str, Any], name: str) -> None:
    async with running(config) as rig:
        reply = await fetch(rig, f"/analytics-next/bundles/{name}")

    assert (reply.status, reply.body) == (200, f"/* {name} */".encode())
    assert reply.headers["content-type"].startswith("application/javascript")


async def test_browser_6_a_chunk_is_kept_for_ever(config: dict[str, Any]) -> None:
    async with running(config) as rig:
        reply = await fetch(rig, f"/analytics-next/bundles/{CHUNKS[0]}")

    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "name", ["none.js", "secret.txt", "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "", "a/b.js"]
)
async def test_nothing_but_chunks_is_served(config: dict[str, Any], name: str) -> None:
    async with running(config) as rig:
        reply = await fetch(rig, f"/analytics-next/bundles/{name}")

    assert reply.status == 404
    assert b"private" not in reply.body


async def test_a_page_of_any_origin_may_read_the_script(config: dict[str, Any]) -> None:
    async with running(config) as rig:
        reply = await fetch(rig, SCRIPT, Origin="https://shop.test")

    assert reply.headers["access-control-allow-origin"] in ("*", "https://shop.test")


async def test_head_tells_the_same_as_get(config: dict[str, Any]) -> None:
    async with running(config) as rig:
        got = await fetch(rig, SCRIPT)
        told = await fetch(rig, SCRIPT, method="HEAD")

    assert (told.status, told.headers["content-length"], told.headers["etag"]) == (
        200, got.headers["content-length"], got.headers["etag"]
    )  # fmt: skip


@pytest.mark.parametrize("path", [SCRIPT, "/analytics-next/bundles/a.js"])
async def test_without_a_build_the_answer_says_how_to_get_one(tmp_path: Path, path: str) -> None:
    async with running({"server": {"analytics_js": str(tmp_path)}}) as rig:
        reply = await fetch(rig, path)

    assert reply.status == 404
    assert b"make analytics-js" in reply.body


async def test_device_mode_code_is_not_served(config: dict[str, Any]) -> None:
    async with running(config) as rig:
        assert (await fetch(rig, "/next-integrations/integrations/x/latest/x.js")).status == 404
