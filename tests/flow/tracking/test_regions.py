"""A source of another region: its data must not be here, so its write key opens nothing (operations 29)."""

from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import ask, basic, stored, track

SOURCES = {"paris": {"write_key": "wk_paris", "region": "eu"}, "here": {"write_key": "wk_here"}}
CONFIG: dict[str, Any] = {"sources": SOURCES}
STRICT: dict[str, Any] = {**CONFIG, "server": {"strict_write_keys": True}}
BATCH = {"batch": [track(), track()]}


async def test_operations_29_a_key_of_another_region_stores_nothing_and_is_counted() -> None:
    async with running(CONFIG) as rig:
        reply = await ask(rig, "/v1/batch", BATCH, headers=basic("wk_paris"))
        await rig.drained()
        facts, counters = await rig.router.storage.facts(), await rig.counters()

    assert reply.status == 200
    assert (facts.inbox_next, rig.delivered) == (0, [])
    assert counters == {("failed_on_ingest", "paris", "wrong_region"): 2}


@pytest.mark.parametrize("config", [CONFIG, STRICT])
@pytest.mark.parametrize("key", [basic("wk_paris"), {}])
async def test_operations_29_it_is_answered_like_an_unknown_key(
    config: dict[str, Any], key: dict[str, str]
) -> None:
    in_body = {} if key else {"writeKey": "wk_paris"}
    unknown = {"writeKey": "wk_nobody"} if in_body else {}
    async with running(config) as rig:
        foreign = await ask(rig, "/v1/track", track(**in_body), headers=key)
        nobody = await ask(rig, "/v1/track", track(**unknown), headers=key and basic("wk_nobody"))

    assert (foreign.status, foreign.body) == (nobody.status, nobody.body)


async def test_its_settings_are_as_unknown_as_its_key() -> None:
    async with running(CONFIG) as rig:
        foreign = await ask(rig, "/v1/projects/wk_paris/settings", b"", method="GET")
        nobody = await ask(rig, "/v1/projects/wk_nobody/settings", b"", method="GET")

    assert (foreign.status, foreign.body) == (nobody.status, nobody.body)


@pytest.mark.parametrize("key", ["wk_here", "wk_paris"])
async def test_a_source_of_the_servers_own_region_is_served(key: str) -> None:
    here = {"paris": SOURCES["paris"], "here": {**SOURCES["here"], "region": "eu"}}
    async with running({"sources": here, "server": {"region": "eu"}}) as rig:
        assert len(await stored(rig, "/v1/track", track(), headers=basic(key))) == 1
