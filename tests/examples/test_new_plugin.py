"""What `router new` writes passes its own `make test`, with the conformance suite, as it stands."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.compat.process import ROUTER

pytestmark = pytest.mark.slow


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """An environment that has what ours has, so that nothing is fetched."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    ours = sysconfig.get_path("purelib")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return folder


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("what", "tests"), [("destination", 15), ("enrichment", 7), ("source", 4), ("transformation", 2)]
)
def test_a_new_package_passes_its_tests(what: str, tests: int, tmp_path: Path, prepared: Path) -> None:
    run(str(ROUTER), "new", what, "my-thing", folder=tmp_path)
    package = tmp_path / "pointsman-my-thing"
    pip = (sys.executable, "-m", "pip", "--python", str(prepared / "bin" / "python"))
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(*pip, "install", *options, "--editable", ".", folder=package)
    (prepared / ".installed").touch()

    out = run("make", "test", f"VENV={prepared}", folder=package)

    assert f"{tests} passed" in out
