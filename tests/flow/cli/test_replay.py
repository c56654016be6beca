"""`router replay` beside a running router, and without one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.replay.rig import Rig, replaying


class Shell:
    """Commands on the configuration of a router that runs in this process."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.file = folder / "router.toml"
        self.file.write_text(
            f"[storage]\npath = '{folder}/router.db'\nfree_floor = 0\n[sources.website]\nwrite_key = 'wk_demo'\n"
            f"[destinations.crm]\nkind = 'webhook'\nsettings.url = '{rig.service.url}'\n"
            "settings.secret = 's3cr3t-canary'\n[destinations.files]\nkind = 'file'\n"
            f"settings.path = '{folder}/events.jsonl'\n"
        )

    async def replay(self, *arguments: str) -> Result:
        """Run `router replay …`."""
        command = ["replay", "--config", str(self.file), *arguments]
        return await asyncio.to_thread(CliRunner().invoke, main, command)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with FakeHttp() as service:
        files = {"kind": "file", "settings": {"path": f"{tmp_path}/events.jsonl"}}
        crm = {"settings": {"url": service.url, "secret": "s3cr3t-canary"}}
        async with replaying(service, folder=tmp_path, crm=crm, destinations={"files": files}) as rig:
            await rig.accept("m1", "m2")
            await rig.one.router.identify(user_id="u1", message_id="m3")
            await rig.one.drained()
            yield Shell(rig, tmp_path)


async def test_a_replay_is_started_followed_and_its_sums_are_shown(shell: Shell) -> None:
    result = await shell.replay("--to", "crm", "--since", "1h", "--follow")

    assert result.exit_code == 0, result.output
    assert "replay 1 to crm: done" in result.output
    assert "3 delivered" in result.output
    assert shell.rig.ids[3:] == ["m1", "m2", "m3"]


async def test_a_dry_run_counts_and_shows_requests_without_secrets_and_sends_nothing(shell: Shell) -> None:
    result = await shell.replay("--to", "crm", "--since", "1h", "--dry-run")

    assert result.exit_code == 0, result.output
    assert "3 events received from" in result.output
    assert "track     Bought  embedded  2" in result.output
    assert f"POST {shell.rig.service.url}" in result.output
    assert '"All": false' in result.output
    assert "s3cr3t-canary" not in result.output
    assert len(shell.rig.ids) == 3


async def test_a_dry_run_shows_events_where_there_are_no_requests(shell: Shell) -> None:
    result = await shell.replay("--to", "files", "--since", "1h", "--type", "identify", "--dry-run")

    assert "1 events" in result.output
    assert '"messageId":"m3"' in result.output
    assert '"integrations":{"All":false,"File":true}' in result.output


async def test_a_dry_run_needs_no_router(shell: Shell) -> None:
    await shell.rig.one.stop()
    try:
        result = await shell.replay("--to", "crm", "--since", "1h", "--event", "Bought", "--dry-run")
        assert "2 events received from" in result.output
        listed = await shell.replay("list")
        assert "there are no replays yet" in listed.output
        assert (await shell.replay("--to", "crn", "--since", "1h", "--dry-run")).output.startswith(
            "there is no destination 'crn'; did you mean \"crm\"?"
        )
    finally:
        await shell.rig.one.start()


async def test_starting_and_changing_a_replay_needs_a_router_and_says_how_to_get_one(shell: Shell) -> None:
    await shell.rig.one.stop()
    try:
        for arguments in (("--to", "crm", "--since", "1h"), ("pause", "1"), ("cancel", "1")):
            result = await shell.replay(*arguments)
            assert result.exit_code == 69
            assert "start it with `router run`" in result.output
    finally:
        await shell.rig.one.start()


async def test_a_replay_is_paused_resumed_listed_and_cancelled(shell: Shell) -> None:
    shell.rig.service.default = Reply(status=503)
    await shell.replay("--to", "crm", "--since", "1h", "--rate", "5/s")

    assert "replay 1 to crm: paused" in (await shell.replay("pause", "1")).output
    assert "paused" in (await shell.replay("list")).output
    assert "replay 1 to crm: running" in (await shell.replay("resume", "1")).output
    assert "replay 1 to crm: cancelled" in (await shell.replay("cancel", "1")).output
    assert "replay 1 to crm: cancelled" in (await shell.replay("show", "1")).output
    refused = await shell.replay("cancel", "1")
    assert (refused.exit_code, "replay 1 is cancelled; start another one" in refused.output) == (1, True)


async def test_what_is_gone_is_told_at_the_start_and_in_a_dry_run(shell: Shell) -> None:
    storage = shell.rig.one.router.storage
    storage._trimming._trim._retention = 0  # type: ignore[attr-defined]
    await storage.trim()  # type: ignore[attr-defined]
    await shell.rig.accept("m4")

    dry = await shell.replay("--to", "crm", "--since", "1h", "--dry-run")
    begun = await shell.replay("--to", "crm", "--since", "1h")

    for result in (dry, begun):
        assert "3 events of that time are gone (positions 0 to 2)" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "crm"), "say where to and from when"),
        (("--since", "1h"), "say where to and from when"),
        (("--to", "crm", "--since", "soon"), "'soon' is no time; write e.g."),
        (("--to", "crm", "--since", ""), "is no time"),
        (("--to", "crm", "--since", "1h", "--until", "2h"), "--until is not after --since"),
        (("--to", "crm", "--since", "1h", "--rate", "fast"), "'fast' is no rate"),
        (("--to", "crm", "--since", "1h", "--rate", "0/s"), "is no rate"),
        (("--to", "crm", "--since", "1h", "--rate", "5/0s"), "has no period"),
        (("--to", "crm", "--since", "1h", "--type", "click"), "'click' is not one of"),
        (
            ("--to", "crm", "--since", "2001-01-01", "--until", "2001-01-02"),
            "no events are kept that were received",
        ),
        (("--to", "crm", "--since", "1h", "--filter", "type ="), "column"),
        (("show", "7"), "there is no replay 7"),
        (("pause", "7"), "there is no replay 7"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_a_remedy(
    shell: Shell, arguments: tuple[str, ...], said: str
) -> None:
    result = await shell.replay(*arguments)

    assert result.exit_code != 0
    assert said in result.output
