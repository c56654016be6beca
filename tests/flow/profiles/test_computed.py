"""Computed traits and audiences where people look: the Profile API, and `router profile`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.cli.main import main
from router.config.load import load
from router.testing.running import Running
from tests.flow.profiles.desk import CONFIG, error, get, identify, profiles, send, track

COMPUTED: Any = {
    "identity": {
        "traits": {"order_count": {"kind": "count", "event": "Paid"}},
        "audiences": {"buyers": {"condition": "traits.order_count > 0"}},
    }
}


async def bought(rig: Running) -> None:
    await send(rig, identify("u1", plan="gold"), track("Paid"), track("Paid"))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"buyers": True, "order_count": 2, "plan": "gold"}),
        ("?class=computed_trait", {"order_count": 2}),
        ("?class=audience", {"buyers": True}),
        ("?class=audience&include=order_count", {}),
    ],
)
async def test_identity_7_traits_are_chosen_by_their_class(query: str, expected: Any) -> None:
    async with profiles(COMPUTED) as rig:
        await bought(rig)

        assert (await get(rig, f"user_id:u1/traits{query}")).json["traits"] == expected


async def test_a_page_of_one_class_goes_on_with_that_class() -> None:
    traits = {f"n{number}": {"kind": "count", "event": "Paid"} for number in range(3)}
    async with profiles({"identity": {"traits": traits}}) as rig:
        await bought(rig)
        first = (await get(rig, "user_id:u1/traits?class=computed_trait&limit=2")).json

        second = (await get(rig, first["cursor"]["url"], root="")).json

        assert (list(first["traits"]), list(second["traits"])) == (["n0", "n1"], ["n2"])


async def test_there_is_no_other_class() -> None:
    async with profiles(COMPUTED) as rig:
        await bought(rig)

        assert error(await get(rig, "user_id:u1/traits?class=custom")) == (400, "validation_error")


async def test_the_source_of_a_computed_trait_is_that_of_its_space() -> None:
    async with profiles(COMPUTED) as rig:
        await bought(rig)

        found = (await get(rig, "user_id:u1/traits?verbose=true&class=audience")).json["traits"]
        assert (found["buyers"]["value"], found["buyers"]["source_id"]) == (True, "engage_shop")


async def test_identity_7_a_trait_whose_rule_is_gone_is_a_custom_one() -> None:
    async with profiles(COMPUTED) as rig:
        await bought(rig)
        await rig.router.reload(load({**rig.config, "identity": {}}, registry=rig.router.registry))

        assert (await get(rig, "user_id:u1/traits?class=computed_trait")).json["traits"] == {}
        assert (await get(rig, "user_id:u1/traits")).json["traits"]["order_count"] == 2


async def test_what_was_told_is_among_the_events_of_the_profile() -> None:
    async with profiles(COMPUTED) as rig:
        await bought(rig)

        found = (await get(rig, "user_id:u1/events")).json["data"]
        assert "Audience Entered" in [one.get("event") for one in found]


@pytest.mark.parametrize("is_running", [True, False])
async def test_an_operator_sees_what_is_computed(is_running: bool, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(f'[storage]\npath = "{tmp_path}/router.db"\nfree_floor = 0\nballast = 0\n')

    def run(*words: str) -> str:
        line = ["profile", *words, "user_id:u1", "--config", str(file), "--space", "shop"]
        return CliRunner().invoke(main, line).stdout

    async with profiles(COMPUTED, folder=tmp_path) as rig:
        await bought(rig)
        if not is_running:
            await rig.stop()
        shown, exported = [await asyncio.to_thread(run, word) for word in ("show", "export")]
        if not is_running:
            await rig.start()

    assert "computed_trait" in shown
    assert "audience" in shown
    assert "custom" in shown
    found = json.loads(exported)
    assert (found["computed_traits"], found["audiences"]) == (["order_count"], ["buyers"])
    assert CONFIG["identity"] == {}
