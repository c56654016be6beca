"""Promises about what a class says of itself: its sample, its settings, its event types."""

import ast
import inspect
import re
import textwrap
from typing import Any

from msgspec import Struct

from router.errors import ConfigError
from router.plugins.settings import Settings
from router.testing.conformance.promise import NotKept
from router.testing.conformance.source_specimen import SourceSpecimen
from router.testing.conformance.specimen import Specimen


async def loads_its_sample(specimen: Specimen | SourceSpecimen) -> None:
    """The sample is a working configuration."""
    try:
        specimen.config  # noqa: B018 - read, and that is the test
    except (ConfigError, ValueError) as error:
        raise NotKept(
            f"its `sample` cannot be loaded: {error}",
            f"write into `sample` what `router check` accepts under [{specimen.section_name}]",
        ) from None


async def explains_its_settings(specimen: Specimen | SourceSpecimen) -> None:
    """Every setting has a string under it."""
    silent = unexplained_settings(specimen.cls.settings_type())
    if silent:
        raise NotKept(
            f"nothing is written under {', '.join(silent)}",
            "write a string right under each field: what it means, and what happens at the default",
        )


async def explains_its_events(specimen: Specimen) -> None:
    """The docstring says what becomes of each type of event."""
    written = " ".join((inspect.getdoc(specimen.cls) or "").split())
    types = [str(one.__struct_config__.tag) for one in specimen.cls.event_types()]
    silent = [one for one in types if not re.search(rf"\b{one}\b[^.:]*:\s*\w", written)]
    if silent:
        raise NotKept(
            f"its docstring does not say what becomes of {', '.join(silent)}",
            f'add a sentence for each to the docstring of {specimen.cls.__name__}, e.g. "{silent[0]}: sent as it is."',
        )


def unexplained_settings(settings: type[Settings]) -> list[str]:
    """The fields under which no string stands."""
    return [name for cls in _structs(settings) for name in _unexplained(cls)]


def _structs(cls: Any) -> list[type[Struct]]:
    """The class and those it inherits settings from."""
    return [one for one in cls.__mro__ if issubclass(one, Struct) and one not in (Settings, Struct)]


def _unexplained(cls: type[Struct]) -> list[str]:
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):  # made by a program; there is no place for a string
        return []
    body = ast.parse(source).body[0].body  # type: ignore[attr-defined]
    silent = []
    for statement, below in zip(body, [*body[1:], None], strict=True):
        is_field = isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(
            statement.annotation
        )
        if is_field and not _is_string(below):
            silent.append(f"{cls.__name__}.{ast.unparse(statement.target)}")
    return silent


def _is_string(statement: ast.stmt | None) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
