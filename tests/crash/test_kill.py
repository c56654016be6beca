"""Nothing that was answered 200 is lost, whenever the process is killed."""

from pathlib import Path

import pytest

from tests.crash.drill import drill, report

KILLS = 20


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_acknowledged_is_lost_by_kills_at_any_moment(tmp_path: Path) -> None:
    ledger = await drill(KILLS, seed=20261123, folder=tmp_path)

    assert ledger.acknowledged > 1000, "the drill must have accepted something to prove anything"
    assert not ledger.missing, report(ledger, KILLS)
    assert not ledger.disordered, report(ledger, KILLS)
