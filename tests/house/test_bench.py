"""The bench is run by hand, so nothing else would notice that a part of it has fallen behind."""

import importlib
from pathlib import Path

import pytest

import tests.bench

MODULES = sorted(one.stem for one in Path(tests.bench.__path__[0]).glob("*.py") if one.stem != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_every_measurement_can_be_imported(name: str) -> None:
    importlib.import_module(f"tests.bench.{name}")
