"""A router that was started from a file: when it reads it again, and what it does with one that is wrong."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from router.admin.client import AdminClient
from router.admin.reload import RELOAD, Reloaded
from router.admin.verbs import Nothing
from router.app import Router
from router.config.load import load, load_plugins
from router.errors import RouterError
from router.plugins.registry import Registry
from router.telemetry.happenings import ConfigReloaded, ReloadRefused
from router.telemetry.signals import Signal, Signals
from tests.unit.plan.drafting import RIDE, rule, text

CONFIG = """
[server]
port = 0
watch = {watch}
[storage]
path = "{folder}/router.db"
free_floor = 0
ballast = 0
[sources.website]
write_key = "wk_demo"
[destinations.out]
kind = "file"
settings.path = "{folder}/out.jsonl"
"""
PLUGIN = """
from router import Destination, Settings, Track, hookimpl

class OwnSettings(Settings, frozen=True):
    pass

class Own(Destination[OwnSettings, Track]):
    kind = "own"
    word = "first"
    async def deliver(self, events):
        return None

@hookimpl
def register_destinations():
    return [Own]
"""


class Filed:
    """A router and the file it was started from."""

    def __init__(self, folder: Path, watches: bool) -> None:
        self.folder = folder
        self.file = folder / "router.toml"
        self.text = CONFIG.format(folder=folder, watch="true" if watches else "false")
        self.signals = Signals()
        self.heard: list[Signal] = []
        self.signals.observe(self.heard.append)
        self.router: Router

    def write(self, text: str) -> None:
        """Put another file in its place, as editors do."""
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        os.replace(fresh, self.file)

    @property
    def refusals(self) -> list[str]:
        """Every problem so far."""
        return [problem for one in self.heard if isinstance(one, ReloadRefused) for problem in one.problems]


@asynccontextmanager
async def filed(folder: Path, more: str = "", *, watches: bool = False) -> AsyncIterator[Filed]:
    """A running router; without `watches` it reads the file only when it is asked to."""
    rig = Filed(folder, watches)
    rig.text += more
    rig.write(rig.text)
    registry = Registry.load(load_plugins(rig.file))
    config = load(rig.file, registry=registry)
    async with Router(config, registry=registry, signals=rig.signals, file=str(rig.file)) as rig.router:
        yield rig


async def settings_status(rig: Filed, key: str) -> int:
    """How the router answers a client that fetches its settings."""
    url = f"{rig.router.url}/v1/projects/{key}/settings"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_a_file_that_is_the_same_changes_nothing(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        actor = rig.router.destinations["out"]

        done = await rig.router.reloads.reread()

        assert done == Reloaded(unchanged=("out",))
        assert rig.router.destinations["out"] is actor


BROKEN = {
    "no TOML": ("[sources", "is not TOML"),
    "empty": ("", "sources: none is left"),
    "half": (
        '[sources.website]\nwrite_key = "wk_demo"\n[destinations.out]\nkind = "file"\n',
        "path: is missing",
    ),
    "unknown kind": (
        '[sources.a]\nwrite_key="a"\n[destinations.out]\nkind = "fiel"\n',
        'did you mean "file"',
    ),
    "a secret is missing": ('[sources.a]\nwrite_key = "env:NOWHERE_SET"\n', "NOWHERE_SET is not set"),
    "a secret's file is missing": ('[sources.a]\nwrite_key = "file:/nowhere/key"\n', "cannot be read"),
    "huge": ("# " + "x" * (5 << 20), "is larger than 4 MiB"),
    "nested without end": ("a = " + "[" * 5000, "is nested too deeply"),
    "no text": ("\udcff", "is not UTF-8"),
    "a folder of plugins is missing": ('[plugins]\ndirectories = ["/nowhere"]\n', "does not exist"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_file_that_cannot_be_used_is_refused_and_everything_stays(tmp_path: Path, what: str) -> None:
    text, problem = BROKEN[what]
    async with filed(tmp_path) as rig:
        actor, config = rig.router.destinations["out"], rig.router.config
        rig.file.write_bytes(text.encode(errors="surrogateescape"))

        done = await rig.router.reloads.reread()

        assert problem in "\n".join(done.problems)
        assert rig.refusals == list(done.problems)
        assert rig.router.config is config
        assert rig.router.destinations["out"] is actor


async def test_a_file_that_vanished_is_refused(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        rig.file.unlink()

        assert "there is no such file" in (await rig.router.reloads.reread()).problems[0]


async def test_a_refusal_has_the_words_of_check(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        rig.write(rig.text.replace('"file"', '"fiel"'))

        done = await rig.router.reloads.reread()

        with pytest.raises(RouterError) as said:
            load(rig.file)
        assert "\n".join(done.problems) in str(said.value)


async def test_a_hundred_requests_at_once_become_a_few_reloads(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        for _ in range(100):
            rig.router.reloads.ask()
        await rig.signals.wait_for(ConfigReloaded)
        done = await rig.router.reloads.reread()

        assert done.problems == ()
        assert sum(isinstance(one, ConfigReloaded) for one in rig.heard) <= 3


async def test_a_new_key_works_at_once_and_a_disabled_one_stops(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        assert await settings_status(rig, "wk_app") == 404
        rig.write(
            rig.text.replace('"wk_demo"', '"wk_demo"\nenabled = false')
            + '[sources.app]\nwrite_key = "wk_app"\n'
        )

        await rig.router.reloads.reread()

        assert await settings_status(rig, "wk_app") == 200
        assert await settings_status(rig, "wk_demo") == 404


async def test_limits_of_the_doors_follow(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        rig.write(rig.text.replace("port = 0", 'port = 0\nevent_limit = "64KiB"\nstrict_write_keys = true'))

        done = await rig.router.reloads.reread()

        assert rig.router.limits.event_bytes == 64 << 10
        assert done.needs_restart == ()


async def test_what_needs_a_restart_is_named_and_not_applied(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        url = rig.router.url
        rig.write(
            rig.text.replace("port = 0", "port = 1234").replace("router.db", "other.db")
            + '[logging]\nlevel = "error"\n'
        )

        done = await rig.router.reloads.reread()

        assert done.needs_restart == ("[server] port", "[storage]", "[logging]")
        assert rig.router.url == url


async def test_changed_code_of_a_plugin_is_used_and_unchanged_code_is_not_touched(tmp_path: Path) -> None:
    plugins = tmp_path / "own"
    plugins.mkdir()
    (plugins / "own.py").write_text(PLUGIN)
    more = f'[destinations.own]\nkind = "own"\n[plugins]\ndirectories = ["{plugins}"]\n'
    async with filed(tmp_path, more) as rig:
        assert (await rig.router.reloads.reread()).changed == ()

        (plugins / "own.py").write_text(PLUGIN.replace('"first"', '"other"'))  # of the same size, at once
        done = await rig.router.reloads.reread()

        assert done.changed == ("own",)
        assert rig.router.config.destinations["own"].cls.word == "other"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line", ["raise OSError('no licence')", "raise SystemExit('no licence')", "no licence"]
)
async def test_a_plugin_that_raises_when_it_is_imported_is_refused(tmp_path: Path, line: str) -> None:
    plugins = tmp_path / "own"
    plugins.mkdir()
    (plugins / "own.py").write_text(PLUGIN)
    more = f'[destinations.own]\nkind = "own"\n[plugins]\ndirectories = ["{plugins}"]\n'
    async with filed(tmp_path, more) as rig:
        actor = rig.router.destinations["own"]
        (plugins / "own.py").write_text(line)

        done = await rig.router.reloads.reread()

        assert "own.py) cannot be loaded" in done.problems[0]
        assert rig.router.destinations["own"] is actor


async def test_the_command_s_verb_answers_what_changed(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        rig.write(rig.text + f'[destinations.more]\nkind = "file"\nsettings.path = "{tmp_path}/more"\n')
        client = AdminClient(str(tmp_path / "router.db"))

        done = await asyncio.to_thread(client.ask, RELOAD, Nothing())

        assert done is not None
        assert (done.added, done.unchanged) == (("more",), ("out",))


async def test_no_reload_begins_once_the_router_stops(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        reloads = rig.router.reloads
        rig.write(rig.text + '[sources.app]\nwrite_key = "wk_app"\n')

    assert "is stopping" in (await reloads.reread()).problems[0]


async def test_a_stop_in_the_middle_of_a_reload_waits_for_it(tmp_path: Path) -> None:
    async with filed(tmp_path) as rig:
        rig.write(rig.text.replace("out.jsonl", "other.jsonl"))
        changing = asyncio.ensure_future(rig.router.reloads.reread())
        await asyncio.sleep(0)

    done = await changing
    assert done.changed == ("out",) or "is stopping" in done.problems[0]


@pytest.mark.slow
async def test_a_saved_file_is_noticed(tmp_path: Path) -> None:
    async with filed(tmp_path, watches=True) as rig:
        rig.write(rig.text + '[sources.app]\nwrite_key = "wk_app"\n')

        assert (await rig.signals.wait_for(ConfigReloaded, timeout=20)).sources == ("app",)


@pytest.mark.slow
async def test_a_secret_s_file_is_watched(tmp_path: Path) -> None:
    key = tmp_path / "secrets" / "key"
    key.parent.mkdir()
    key.write_text("wk_one")
    more = f'[sources.app]\nwrite_key = "file:{key}"\n'
    async with filed(tmp_path, more, watches=True) as rig:
        key.write_text("wk_two")

        assert (await rig.signals.wait_for(ConfigReloaded, timeout=20)).sources == ("app",)
        assert rig.router.config.sources["app"].write_key == "wk_two"


@pytest.mark.slow
async def test_a_plugin_s_file_is_watched(tmp_path: Path) -> None:
    plugins = tmp_path / "own"
    plugins.mkdir()
    (plugins / "own.py").write_text(PLUGIN)
    more = f'[destinations.own]\nkind = "own"\n[plugins]\ndirectories = ["{plugins}"]\n'
    async with filed(tmp_path, more, watches=True) as rig:
        (plugins / "own.py").write_text(PLUGIN.replace('"first"', '"other"'))

        assert (await rig.signals.wait_for(ConfigReloaded, timeout=20)).changed == ("own",)


@pytest.mark.slow
async def test_a_plan_s_file_is_watched_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    plan = tmp_path / "plans" / "shop.json"
    plan.parent.mkdir()
    plan.write_bytes(text(RIDE))
    more = f'[plans.shop]\nfile = "{plan}"\n[sources.app]\nwrite_key = "wk_app"\nplan = "shop"\n'
    async with filed(tmp_path, more, watches=True) as rig:
        plan.write_bytes(b'{"rules": [')
        refused = await rig.signals.wait_for(ReloadRefused, timeout=20)
        plan.write_bytes(text(RIDE, rule(key="Other")))

        assert "is not JSON" in refused.problems[0]
        assert (await rig.signals.wait_for(ConfigReloaded, timeout=20)).sources == ("app",)
