"""Makes the settings struct of a declarative destination."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from router.plugins.declarative.definition import SettingDefinition
from router.plugins.settings import Duration, Secret, Settings, Size, setting_hook

_TYPES: Mapping[str, type] = {
    "text": str,
    "whole": int,
    "number": float,
    "boolean": bool,
    "duration": Duration,
    "size": Size,
}


def type_of(setting: SettingDefinition) -> Any:
    """The type of a setting."""
    if setting.choices:
        return Literal[setting.choices]
    return Secret if setting.secret else _TYPES[setting.type]


def settings_class(kind: str, settings: Mapping[str, SettingDefinition]) -> type[Settings]:
    """A struct with a field for each setting; a value that its pattern does not allow is refused, and not shown."""
    fields: list[Any] = []
    for name, setting in settings.items():
        if setting.is_required:
            fields.append((name, type_of(setting)))
        elif setting.default is None:
            fields.append((name, type_of(setting) | None, None))
        else:
            default = msgspec.convert(setting.default, type_of(setting), dec_hook=setting_hook)
            fields.append((name, type_of(setting), default))
    patterns = {name: re.compile(one.pattern) for name, one in settings.items() if one.pattern}

    def check(made: Settings) -> None:
        for name, pattern in patterns.items():
            value = getattr(made, name)
            text = value.reveal() if isinstance(value, Secret) else value
            if text is not None and not pattern.fullmatch(text):
                raise ValueError(f"{name} does not look as it must: {pattern.pattern}")

    title = "".join(part.capitalize() for part in re.split(r"[-_]", kind))
    made: Any = msgspec.defstruct(
        f"{title}Settings",
        fields,
        bases=(Settings,),
        namespace={"__post_init__": check, "__doc__": f"The settings of {kind}."},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    kept: type[Settings] = made
    return kept


def plain_settings(settings: Settings) -> dict[str, Any]:
    """The settings as mappings and templates see them; what is not set is not there.

    Secrets are revealed here: they leave the process in the request, and whatever is shown of that hides them.
    """
    plain = {}
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        if value is not None:
            plain[name] = value.reveal() if isinstance(value, Secret) else value
    return plain
