"""Only one owner at a time."""

from pathlib import Path

import pytest

from router.errors import StorageError, StoreLocked
from router.storage.sqlite.lock import Lock


def test_a_lock_excludes_another_until_it_is_released(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "db"), Lock(tmp_path / "db")
    first.take()

    with pytest.raises(StoreLocked, match="in use by process"):
        second.take()
    first.release()
    first.release()
    second.take()
    second.release()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        Lock(tmp_path / "nowhere" / "db").take()
