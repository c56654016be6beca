"""Environment variables that override the file: `ROUTER_*` for `[server]`, `ROUTER_STORAGE_*` for `[storage]`."""

from collections.abc import Mapping
from typing import Any, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from router.config.convert import members_of
from router.config.model import ServerConfig, StorageConfig
from router.config.problems import Problems
from router.plugins.settings import Duration, Size

_SECTIONS: tuple[tuple[str, str, type[Struct]], ...] = (
    ("server", "ROUTER_", ServerConfig),
    ("storage", "ROUTER_STORAGE_", StorageConfig),
)


def override(data: Mapping[str, Any], environ: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    """`data` with the values that the environment sets in their place, e.g. `ROUTER_PORT` for `server.port`."""
    result = dict(data)
    for section, prefix, kind in _SECTIONS:
        values = {}
        for one in fields(kind):
            variable = prefix + one.name.upper()
            if variable in environ:
                try:
                    values[one.name] = _read(environ[variable], one.type)
                except msgspec.ValidationError as error:
                    what = str(error).replace("`", "")
                    remedy = "mend or unset the variable"
                    problems.add((section, one.name), f"environment variable {variable}: {what}", remedy)
        present = result.get(section, {})
        if values and isinstance(present, Mapping):
            result[section] = {**present, **values}
    return result


def _read(text: str, kind: Any) -> Any:
    """The value as it would stand in the file."""
    for member in members_of(kind):
        plain = get_origin(member) or member
        if plain is tuple:
            return [part.strip() for part in text.split(",") if part.strip()]
        if plain in (bool, int):
            return msgspec.convert(text, plain, strict=False)
        if plain in (Size, Duration) and text.isdigit():
            return int(text)
    return text
