"""Renaming, retiring and coming back: nothing is lost without a reason, and every sum holds."""

from pathlib import Path

import pytest

from router.errors import ConfigError
from router.telemetry.happenings import DestinationLeftOut, DestinationRetired, DestinationReturned
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import running
from tests.flow.reload.rig import hook, reloading

COLLECT = {"collect": {"kind": "collect"}}
DOWN = Reply(status=503)


async def test_a_drained_destination_gets_what_waits_and_nothing_more() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        service.default = DOWN
        await rig.send("A", "B")
        await service.wait(1)

        await rig.reload(destinations={**COLLECT, "crm": hook(service.url, retire="drain")})
        await rig.send("C")
        service.requests.clear()
        service.default = Reply()
        retired = await rig.rig.signals.wait_for(DestinationRetired)

        assert (retired.destination, retired.expired) == ("crm", 0)
        assert {one.json()["event"] for one in service.requests} == {"A", "B"}
        assert "crm" not in rig.rig.router.destinations
        assert await rig.missing() == {}
        await rig.rig.drained()


async def test_a_drain_survives_a_restart(tmp_path: Path) -> None:
    async with FakeHttp() as service:
        service.default = DOWN
        async with reloading({"crm": hook(service.url)}, folder=tmp_path) as rig:
            await rig.send("A")
            await rig.reload(destinations={**COLLECT, "crm": hook(service.url, retire="drain")})
            await rig.send("B")
            service.requests.clear()
            service.default = Reply()
            await rig.rig.restart()
            if not (await rig.state("crm")).is_retired:
                await rig.rig.signals.wait_for(DestinationRetired)

            assert {one.json()["event"] for one in service.requests} == {"A"}
            assert await rig.missing() == {}


async def test_an_expired_destination_counts_what_it_did_not_get() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        service.default = DOWN
        await rig.send("A", "B")

        await rig.reload(destinations={**COLLECT, "crm": hook(service.url, retire="expire")})
        await rig.send("C")

        assert (await rig.rig.counters())["expired", "crm", "retired"] == 2
        records = await rig.rig.router.storage.outcomes("crm", 0, 10)
        assert {run.reason for record in records for run in record.runs} == {"retired"}
        assert await rig.missing() == {}


async def test_a_drain_that_is_called_off_goes_on_without_a_gap() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        service.default = DOWN
        await rig.send("A")
        await rig.reload(destinations={**COLLECT, "crm": hook(service.url, retire="drain")})
        await rig.send("B")

        await rig.reload(destinations={**COLLECT, "crm": hook(service.url)})
        service.default = Reply()
        await rig.rig.drained()

        assert (await rig.rig.counters())["delivered", "crm"] == 2


async def test_one_that_was_retired_and_returns_says_what_it_missed() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        await rig.reload(destinations=COLLECT)
        await rig.send("A", "B")

        await rig.reload(destinations={**COLLECT, "crm": hook(service.url)})
        await rig.send("C")

        assert DestinationReturned("crm", 2) in rig.heard
        assert [one.json()["event"] for one in await service.wait(1)] == ["C"]
        await rig.rig.drained()
        assert await rig.missing() == {}


async def test_a_renamed_destination_keeps_cursor_and_counters() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        await rig.send("A")
        await rig.rig.drained()
        service.default = DOWN
        await rig.send("B")

        done = await rig.reload(destinations={**COLLECT, "sales": hook(service.url, renamed_from="crm")})
        service.default = Reply()
        await rig.rig.drained()

        assert (done.changed, done.removed, done.added) == (("sales",), (), ())
        counters = await rig.rig.counters()
        assert counters["delivered", "sales"] == 2
        assert ("delivered", "crm") not in counters
        assert await rig.missing() == {}


async def test_a_rename_works_at_every_later_start_and_reload(tmp_path: Path) -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}, folder=tmp_path) as rig:
        sales = hook(service.url, renamed_from="crm")
        await rig.reload(destinations={**COLLECT, "sales": sales})
        await rig.rig.restart()

        done = await rig.reload(destinations={**COLLECT, "sales": sales})

        assert done.unchanged == ("collect", "sales")
        assert [one.name for one in await rig.rig.router.storage.destinations()] == ["collect", "sales"]


async def test_two_that_both_exist_cannot_become_one() -> None:
    async with FakeHttp() as service:
        both = {"crm": hook(service.url), "sales": hook(service.url)}
        async with reloading(both) as rig:
            with pytest.raises(ConfigError, match='the store knows both "crm" and "sales"'):
                await rig.reload(destinations={**COLLECT, "sales": hook(service.url, renamed_from="crm")})


async def test_another_kind_is_another_destination_once_nothing_waits(tmp_path: Path) -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        await rig.send("A")
        await rig.rig.drained()

        file = tmp_path / "out.jsonl"
        await rig.reload(destinations={**COLLECT, "crm": {"kind": "file", "settings": {"path": str(file)}}})
        await rig.send("B")
        await rig.rig.drained()

        assert file.read_text().count('"B"') == 1
        assert '"A"' not in file.read_text()
        assert (await rig.state("crm")).kind == "file"
        assert await rig.missing() == {}


async def test_another_kind_does_not_inherit_what_waits() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        service.default = DOWN
        await rig.send("A")

        with pytest.raises(
            ConfigError, match=r'destinations.crm.kind: is of the kind "webhook".*1 event waits'
        ):
            await rig.reload(destinations={**COLLECT, "crm": {"kind": "collect"}})


async def test_a_start_without_a_section_keeps_its_events_and_says_so(tmp_path: Path) -> None:
    async with FakeHttp() as service:
        service.default = DOWN
        async with reloading({"crm": hook(service.url)}, folder=tmp_path) as rig:
            await rig.send("A")
            section = rig.rig.config["destinations"].pop("crm")
            await rig.rig.restart()
            left_out = [one for one in rig.heard if isinstance(one, DestinationLeftOut)]
            assert [(one.destination, one.events) for one in left_out] == [("crm", 1)]

            service.default = Reply()
            await rig.reload(destinations={**COLLECT, "crm": section})

            await rig.rig.drained()
            assert (await rig.rig.counters())["delivered", "crm"] == 1


async def test_a_start_with_another_kind_is_refused_while_events_wait(tmp_path: Path) -> None:
    async with FakeHttp() as service:
        service.default = DOWN
        async with reloading({"crm": hook(service.url)}, folder=tmp_path) as rig:
            await rig.send("A")
        with pytest.raises(ConfigError, match="1 event waits"):
            async with running({"destinations": {"crm": {"kind": "collect"}}}, folder=tmp_path):
                pass
