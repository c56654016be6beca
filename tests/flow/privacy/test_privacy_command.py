"""`router privacy` tells what a running router found, and says what to do where none runs."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main
from router.testing.running import running

SECTIONS = {
    "privacy": {"red": ["token"]},
    "sources": {"website": {"write_key": "wk_demo"}},
}


async def ask(*arguments: str) -> Result:
    """Run the command on a thread, so that the router can answer."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["privacy", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A configuration that names the store of the router under test."""
    path = tmp_path / "router.toml"
    path.write_text(f'[storage]\npath = "{tmp_path}/router.db"\n')
    return str(path)


async def test_the_inbox_has_recommendations_and_no_values(tmp_path: Path, file: str) -> None:
    async with running(SECTIONS, folder=tmp_path) as rig:
        await rig.router.track("A", user_id="u1", properties={"email": "ada@example.com", "token": "t"})
        await rig.drained()
        table, as_json = await ask("inbox", "--config", file), await ask("inbox", "--json", "--config", file)

    assert table.exit_code == as_json.exit_code == 0, table.output
    assert "properties.email" in table.output
    assert '"path":"properties.email","recommended":"yellow"' in as_json.output
    assert "ada@" not in table.output + as_json.output
    assert "token" not in as_json.output


async def test_the_list_has_the_colours(tmp_path: Path, file: str) -> None:
    async with running(SECTIONS, folder=tmp_path):
        result = await ask("list", "--json", "--config", file)

    assert result.output == '{"token":"red"}\n'


async def test_an_empty_inbox_says_why(tmp_path: Path, file: str) -> None:
    async with running(folder=tmp_path):
        off = await ask("inbox", "--config", file)
    async with running({"privacy": {}}, folder=tmp_path):
        nothing, colours = await ask("inbox", "--config", file), await ask("list", "--config", file)

    assert off.output == "nothing is looked for; write a section [privacy]\n"
    assert nothing.output == "no field waits for a colour\n"
    assert colours.output.startswith("no field has a colour; `router privacy inbox` lists")


async def test_after_the_router_stopped_the_store_tells(tmp_path: Path, file: str) -> None:
    Path(file).write_text(Path(file).read_text() + '[privacy]\nred = ["token"]\n')
    async with running(SECTIONS, folder=tmp_path) as rig:
        await rig.router.track("A", user_id="u1", properties={"email": "ada@example.com", "token": "t"})
        await rig.drained()

    table, colours = await ask("inbox", "--config", file), await ask("list", "--config", file)

    assert (table.exit_code, colours.exit_code) == (0, 0), table.output
    assert "properties.email" in table.output
    assert "token" not in table.output
    assert "token" in colours.output


async def test_where_there_is_no_store_yet_nothing_waits(file: str) -> None:
    result = await ask("inbox", "--config", file)

    assert (result.exit_code, result.output) == (0, "nothing is looked for; write a section [privacy]\n")
