"""A database that is replaced while the router runs holds from then on; one that is broken is refused."""

import os
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from router.telemetry.happenings import ConfigReloaded, ReloadRefused
from tests.flow.reload.test_files import Filed, filed


def write(file: Path, country: str) -> None:
    """Put a database in the place of the one before."""
    writer = MMDBWriter(6, "test", ipv4_compatible=True)
    writer.insert_network(IPSet(["8.8.0.0/16"]), {"country_code": country})
    fresh = file.with_suffix(".new")
    writer.to_db_file(str(fresh))
    os.replace(fresh, file)


async def country(rig: Filed, message_id: str) -> str:
    """Where an event is from."""
    await rig.router.track("A", user_id="u1", message_id=message_id, context={"ip": "8.8.8.8"}, source="app")
    await rig.router.drained()
    [last] = [one for one in (rig.folder / "out.jsonl").read_text().splitlines() if f'"{message_id}"' in one]
    return last.partition('"country":"')[2][:2]


@pytest.mark.slow
async def test_a_replaced_database_holds_and_a_broken_one_leaves_the_old(tmp_path: Path) -> None:
    database = tmp_path / "data" / "geo.mmdb"
    database.parent.mkdir()
    write(database, "DE")
    more = (
        f"[sources.app]\nwrite_key = 'wk_app'\nenrich = ['geo']\n[enrichments.geo]\ndatabase = '{database}'\n"
    )
    found = []
    async with filed(tmp_path, more, watches=True) as rig:
        found.append(await country(rig, "m1"))
        write(database, "FR")
        await rig.signals.wait_for(ConfigReloaded, timeout=20)
        found.append(await country(rig, "m2"))
        database.write_bytes(b"half a database")
        refused = await rig.signals.wait_for(ReloadRefused, timeout=20)
        found.append(await country(rig, "m3"))
        write(database, "NL")
        await rig.signals.wait_for(ConfigReloaded, timeout=20)
        found.append(await country(rig, "m4"))

    assert found == ["DE", "FR", "FR", "NL"]
    assert f'enrichments.geo: database: "{database}" is no database' in refused.problems[0]
