"""A reload starts, stops and changes source plugins; one whose section is the same does not notice."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.errors import ConfigError
from router.telemetry.happenings import SourceStarted
from tests.flow.sources.rig import feeding, track


async def reads(plugin: Any, accept: Any) -> None:
    row = (plugin.cursor or 0) + 1
    await accept([track(f"{plugin.name} {plugin.settings.word} {row}")], cursor=row)
    await asyncio.Event().wait()


ORDERS = {"kind": "feed", "settings": {"word": "a"}}
WEBSITE = {"write_key": "wk"}


async def test_a_source_that_is_added_reads() -> None:
    async with feeding(reads, sources={"website": WEBSITE}) as one:
        done = await one.reload(sources={"website": WEBSITE, "orders": ORDERS})

        assert await one.events(1) == ["orders a 1"]
        assert done.sources == ("orders",)


async def test_a_source_that_is_removed_reads_no_longer_and_goes_on_when_it_comes_back(
    tmp_path: Path,
) -> None:
    async with feeding(
        reads, sources={"orders": ORDERS, "website": WEBSITE}, folder=tmp_path, kind="sqlite"
    ) as one:
        await one.events(1)
        await one.reload(sources={"website": WEBSITE})
        assert (list(one.rig.router.plugin_sources), one.made[0].was) == ([], ["opened", "closed"])

        await one.reload(sources={"orders": ORDERS, "website": WEBSITE})
        assert await one.events(2) == ["orders a 1", "orders a 2"]


async def test_a_source_whose_settings_change_goes_on_with_a_new_instance() -> None:
    async with feeding(reads, sources={"orders": ORDERS}) as one:
        await one.events(1)
        await one.reload(sources={"orders": {**ORDERS, "settings": {"word": "b"}}})

        assert await one.events(2) == ["orders a 1", "orders b 2"]
        assert one.made[0].was == ["opened", "closed"]


@pytest.mark.parametrize("change", [{"rate_limit": 7}, {"write_key": "wk2"}, {"interval": "10s"}])
async def test_a_plugin_does_not_notice_what_is_none_of_its_own(change: dict[str, Any]) -> None:
    async with feeding(reads, sources={"orders": ORDERS}) as one:
        await one.hears(SourceStarted)
        await one.reload(sources={"orders": {**ORDERS, **change}})

        assert one.made[0].was == ["opened"]
        assert len(one.made) == 1


@pytest.mark.parametrize("change", [{"enabled": False}, {"region": "eu"}])
async def test_a_source_that_is_switched_off_stops_reading(change: dict[str, Any]) -> None:
    async with feeding(reads, sources={"orders": ORDERS}) as one:
        await one.events(1)
        await one.reload(sources={"orders": {**ORDERS, **change}})

        assert one.made[0].was == ["opened", "closed"]


async def test_a_reload_that_is_refused_leaves_every_source_alone() -> None:
    async with feeding(reads, sources={"orders": ORDERS}) as one:
        await one.events(1)
        with pytest.raises(ConfigError, match=r"sources\.orders\.settings\.wrod: is not a known key"):
            await one.reload(sources={"orders": {**ORDERS, "settings": {"wrod": "b"}}})

        assert one.made[0].was == ["opened"]
