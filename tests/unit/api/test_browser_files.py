"""The build of analytics.js as files."""

import gzip
from pathlib import Path

from router.api.browser import AnalyticsJs


def build(folder: Path) -> AnalyticsJs:
    (folder / "standalone.js").write_text('var k = "__WRITE_KEY__";')
    (folder / "chunk.0abc.js").write_text("chunk()")
    (folder / "secret.txt").write_text("no")
    return AnalyticsJs(folder)


def test_the_key_is_written_into_the_script(tmp_path: Path) -> None:
    script = build(tmp_path).script("wk_demo")

    assert script is not None
    assert script.body == b'var k = "wk_demo";'
    assert gzip.decompress(script.packed) == script.body


def test_a_key_cannot_leave_its_string(tmp_path: Path) -> None:
    script = build(tmp_path).script('";evil("')

    assert script is not None
    assert script.body == b'var k = "\\";evil(\\"";'


def test_only_scripts_of_the_folder_are_served(tmp_path: Path) -> None:
    files = build(tmp_path)

    assert files.chunk("chunk.0abc.js") is not None
    assert files.chunk("secret.txt") is None
    assert files.chunk("../secret.txt") is None


def test_a_folder_without_a_build_serves_nothing(tmp_path: Path) -> None:
    (tmp_path / "chunk.js").write_text("x")

    files = AnalyticsJs(tmp_path)

    assert not files.is_built_in
    assert files.script("k") is None
    assert files.chunk("chunk.js") is None


def test_no_folder_at_all_serves_nothing() -> None:
    assert not AnalyticsJs(None).is_built_in
