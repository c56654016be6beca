"""Plugins from a folder: each Python file or package in it, loaded under a module name of its own, and each TOML file.

They may be loaded again while the router runs. A file whose code is the same keeps its module then, so its classes
stay the same classes; one whose code changed becomes a new module beside the old one, which whoever uses it keeps.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

from router.errors import PluginError
from router.plugins.declarative.destination import DeclarativeDestination
from router.plugins.declarative.reading import is_definition, read_destination
from router.plugins.hookspecs import hookimpl
from router.plugins.loading import Loading


class Found(Struct, frozen=True):
    """A plugin of a folder."""

    name: str
    file: str
    """The file or folder, as it was named."""
    digest: str
    """Of all its code."""
    module: ModuleType


def load_directory(
    directory: str,
    disabled: Sequence[str] = (),
    *,
    loaded: Mapping[tuple[str, str], ModuleType] | None = None,
) -> Iterator[Found]:
    """Each plugin in `directory`, in alphabetical order; raises PluginError.

    Names that begin with an underscore or a dot are skipped: plugins may keep what they share there. `loaded` has
    modules of before, by file and digest.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise PluginError(
            f"plugin directory {directory!r} does not exist; make it, or mend [plugins] directories"
        )
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise PluginError(f"plugin directory {directory!r} cannot be read: {error.strerror}") from None
    for entry in entries:
        file = entry / "__init__.py" if entry.is_dir() else entry
        name = entry.stem
        if name.startswith(("_", ".")) or name in disabled or not file.is_file():
            continue
        if file.suffix != ".py" and not (file.suffix == ".toml" and is_definition(file)):
            continue
        code = digest(entry)
        module = (loaded or {}).get((str(entry), code)) or (
            _defined(name, file) if file.suffix == ".toml" else _load(name, file)
        )
        yield Found(name, str(entry), code, module)


def digest(entry: Path) -> str:
    """A digest of the code of a file, or of every Python file of a folder."""
    made = blake2b(digest_size=16)
    for file in [entry] if entry.is_file() else sorted(entry.rglob("*.py")):
        try:
            made.update(f"{file.relative_to(entry)}:{file.stat().st_size}:".encode() + file.read_bytes())
        except OSError:
            made.update(b"?")  # it vanished just now, or loading it will say what is wrong
    return made.hexdigest()


class _AsWritten(SourceFileLoader):
    """Reads the code itself and never a compiled copy: that is told apart by whole seconds only."""

    def path_stats(self, path: Any) -> Any:
        raise OSError("compiled copies are not used")


def _load(name: str, file: Path) -> ModuleType:
    """Run the file as a module whose name no other module has, so that it hides nothing and nothing hides it."""
    mark = blake2b(str(file.resolve()).encode(), digest_size=6).hexdigest()
    private = f"_router_plugin_{mark}_{name}"
    places = [str(file.parent)] if file.name == "__init__.py" else None
    loader = _AsWritten(private, str(file))
    spec = spec_from_file_location(private, file, loader=loader, submodule_search_locations=places)
    if spec is None:
        raise PluginError(f"plugin {name!r} ({file}) is not a Python file")
    module = module_from_spec(spec)
    former = {one: sys.modules.pop(one) for one in tuple(sys.modules) if _belongs(one, private)}
    sys.modules[private] = module
    try:
        with Loading(f"plugin {name!r} ({file})", f'mend the file, or add "{name}" to [plugins] disabled'):
            loader.exec_module(module)
    except PluginError:
        for one in tuple(sys.modules):
            if _belongs(one, private):
                del sys.modules[one]
        sys.modules.update(former)
        raise
    return module


def _defined(name: str, file: Path) -> ModuleType:
    """A module that offers the destination which a TOML file defines."""
    defined = read_destination(file)
    module = ModuleType(name, defined.__doc__)

    @hookimpl
    def register_destinations() -> list[type[DeclarativeDestination]]:
        return [defined]

    module.register_destinations = register_destinations  # type: ignore[attr-defined]
    return module


def _belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
