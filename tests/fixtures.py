"""Recorded cases of other implementations: data beside the project, read where they stand (../shared/fixtures)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT

FOLDER = Path(os.environ.get("FIXTURES") or ROOT.parent / "shared" / "fixtures")


def read_fixtures(name: str) -> list[dict[str, Any]]:
    """The cases of one file; the test that asks is skipped where there is none."""
    file = FOLDER / name
    if not file.is_file():
        pytest.skip(f"{file.name} is not in {FOLDER}; set FIXTURES to the folder that has it")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
