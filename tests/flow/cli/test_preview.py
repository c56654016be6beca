"""`router preview`: what it shows of real events, with a router running and without."""

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result

from router.cli.main import main
from router.testing.running import running

OLD = """
[storage]
path = "{path}"
free_floor = 0
[sources.website]
write_key = "wk_demo"
[destinations.crm]
kind = "webhook"
settings.url = "http://127.0.0.1:1/old"
settings.headers = {{ X-Token = "s3cr3t-old" }}
"""


def files(folder: Path) -> tuple[str, str]:
    old, new = folder / "old.toml", folder / "new.toml"
    text = OLD.format(path=folder / "router.db")
    old.write_text(text)
    new.write_text(text.replace("/old", "/new").replace("s3cr3t-old", "s3cr3t-new"))
    return str(old), str(new)


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["preview", *arguments])


async def test_a_running_router_is_asked_for_its_events(tmp_path: Path) -> None:
    old, new = files(tmp_path)
    async with running(folder=tmp_path) as rig:
        await rig.router.track("A", user_id="u1")
        await rig.drained()

        shown = await asyncio.to_thread(preview, new, "--config", old)

        assert shown.exit_code == 0
        assert "url: http://127.0.0.1:1/old → http://127.0.0.1:1/new" in shown.output
        assert "headers.X-Token: *** → *** (what is hidden changes)" in shown.output
        assert "s3cr3t" not in shown.output


async def test_without_a_router_the_file_is_read(tmp_path: Path) -> None:
    old, new = files(tmp_path)
    async with running(folder=tmp_path) as rig:
        for number in range(3):
            await rig.router.track(f"E{number}", user_id="u1")
        await rig.drained()

    shown = await asyncio.to_thread(preview, new, "--config", old, "--last", "2", "--json")

    found = json.loads(shown.output)
    assert found["events"] == 2
    [crm] = found["destinations"]
    assert [change["what"] for change in crm["changes"]] == ["changed", "changed"]


async def test_the_same_configuration_changes_nothing(tmp_path: Path) -> None:
    old, _ = files(tmp_path)
    async with running(folder=tmp_path) as rig:
        await rig.router.track("A", user_id="u1")
        await rig.drained()

    shown = await asyncio.to_thread(preview, old, "--config", old)

    assert shown.output.splitlines()[-1] == "1 event tried; nothing changes"


def test_a_store_without_events_says_so(tmp_path: Path) -> None:
    old, new = files(tmp_path)

    shown = preview(new, "--config", old)

    assert shown.exit_code == 69
    assert "holds no event" in shown.output


def test_a_broken_new_configuration_is_named(tmp_path: Path) -> None:
    old, new = files(tmp_path)
    Path(new).write_text("[sources.website\n")

    shown = preview(new, "--config", old)

    assert shown.exit_code == 78
    assert "is not TOML" in shown.output
