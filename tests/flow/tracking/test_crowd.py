"""Ten thousand idle connections cost little and harm nobody (tracking-api 6.3)."""

import subprocess
import sys
from pathlib import Path

import pytest

BYTES = 32 << 10
"""Most that an idle connection may cost, with the client's end of it."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_idle_connections_cost_little_and_disturb_nobody() -> None:
    root = Path(__file__).parents[3]
    found = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.flow.tracking.crowd"],
        cwd=root, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    assert found.returncode == 0, found.stderr
    count, cost, status, delivered = map(int, found.stdout.split())
    assert (count >= 400, status, delivered) == (True, 200, 2)
    assert cost < BYTES
