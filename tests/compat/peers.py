"""Which outside programs are here; a test whose program is missing is skipped with the command that gets it."""

import shutil
from pathlib import Path

import pytest

PACKAGES = Path(__file__).with_name("node") / "node_modules"
BUILD = PACKAGES / "@segment" / "analytics-next" / "dist" / "umd"
"""The build of analytics.js in the npm package: the stand-alone script, the npm form, and their chunks."""

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

has_packages = shutil.which("node") is not None and BUILD.is_dir()

needs_node = pytest.mark.skipif(
    not has_packages, reason="the JavaScript SDKs are missing: install Node.js 20, then `make analytics-js`"
)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or not has_packages,
    reason="Chromium or the JavaScript SDKs are missing: install chromium and Node.js 20, then `make analytics-js`",
)
