"""The note beside the store that a plugin hung: its destination starts paused until the operator removes the note."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct


class HungPlugin(Struct, frozen=True):
    """One plugin that hung and had the process stopped."""

    destination: str
    plugin: str
    where: str
    """The line at which it hung."""
    at: int
    """Milliseconds since the epoch."""


def stuck_file(store: str) -> Path:
    """Where the notes of a store are: one line of JSON for each."""
    return Path(f"{store}.stuck")


def note_stuck(file: Path, stuck: HungPlugin) -> None:
    """Add a note; called on the watchdog's thread, just before the process ends."""
    with file.open("ab") as notes:
        notes.write(msgspec.json.encode(stuck) + b"\n")


def read_stuck(file: Path) -> Mapping[str, HungPlugin]:
    """The latest note of each destination; lines that are none are passed over."""
    found: dict[str, HungPlugin] = {}
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            stuck = msgspec.json.decode(line, type=HungPlugin)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        found[stuck.destination] = stuck
    return found
