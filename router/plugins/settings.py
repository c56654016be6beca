"""The types of settings: secrets that never show, durations and sizes that carry their unit."""

import re
from pathlib import Path
from typing import Any

from msgspec import Struct

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB|KB|MB|GB|TB)?")
_BYTES = {
    None: 1,
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}


class Duration(float):
    """Seconds; written in the configuration as a number of seconds or as text like "500ms", "5s", "24h"."""

    @classmethod
    def parse(cls, value: object) -> "Duration":
        """Read a duration; raises ValueError that shows the forms it may have."""
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return cls(value)
        if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
            return cls(float(found[1]) * _SECONDS[found[2]])
        raise ValueError(f'expected a duration like "500ms", "5s", "10m" or "24h", got {value!r}')


class Size(int):
    """Bytes; written in the configuration as a number of bytes or as text like "64KiB", "1MiB"."""

    @classmethod
    def parse(cls, value: object) -> "Size":
        """Read a size; raises ValueError that shows the forms it may have."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return cls(value)
        if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
            return cls(float(found[1]) * _BYTES[found[2]])
        raise ValueError(f'expected a size like "64KiB" or "1MiB", got {value!r}')


class Secret:
    """A value that is never shown: `repr`, `str`, logs and errors have `***`; `reveal()` gives it to send."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; call it only where it leaves the process."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


class FileText(str):
    """The text of a file, read with the configuration; written there as the file's path."""

    __slots__ = ("path",)
    path: str

    MOST_BYTES = 1 << 20

    @classmethod
    def parse(cls, value: object) -> "FileText":
        """Read the file; raises ValueError that says why it cannot be read."""
        if not isinstance(value, str) or not value:
            raise ValueError("expected the path of a file")
        try:
            with Path(value).open("rb") as file:
                found = file.read(cls.MOST_BYTES + 1)
            if len(found) > cls.MOST_BYTES:
                raise ValueError(f"file {value} is larger than {cls.MOST_BYTES >> 20} MiB")
            text = cls(found.decode())
        except OSError as error:
            raise ValueError(f"file {value} cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise ValueError(f"file {value} is not UTF-8 text") from None
        text.path = value
        return text


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator sets for a plugin. Explain each field by the string right under it."""


def setting_hook(kind: type, value: Any) -> Any:
    """Convert the types above for `msgspec.convert(…, dec_hook=setting_hook)`."""
    if kind is Secret:
        if isinstance(value, str):
            return Secret(value)
        raise ValueError("expected text")
    if kind is Duration or kind is Size or kind is FileText:
        return kind.parse(value)
    raise NotImplementedError(f"a setting cannot have the type {kind.__name__}")
