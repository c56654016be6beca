"""Plugins from a folder: each Python file or package in it, loaded under a module name of its own."""

import sys
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from router.errors import PluginError
from router.plugins.loading import Loading


def load_directory(directory: str, disabled: Sequence[str] = ()) -> Iterator[tuple[str, str, ModuleType]]:
    """Name, file and module of each plugin in `directory`, in alphabetical order; raises PluginError.

    Names that begin with an underscore or a dot are skipped: plugins may keep what they share there.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise PluginError(
            f"plugin directory {directory!r} does not exist; make it, or mend [plugins] directories"
        )
    for entry in sorted(folder.iterdir()):
        file = entry / "__init__.py" if entry.is_dir() else entry
        name = entry.stem
        if name.startswith(("_", ".")) or name in disabled or file.suffix != ".py" or not file.is_file():
            continue
        yield name, str(entry), _load(name, file)


def _load(name: str, file: Path) -> ModuleType:
    """Run the file as a module whose name no other module has, so that it hides nothing and nothing hides it."""
    mark = blake2b(str(file.resolve()).encode(), digest_size=6).hexdigest()
    private = f"_router_plugin_{mark}_{name}"
    places = [str(file.parent)] if file.name == "__init__.py" else None
    spec = spec_from_file_location(private, file, submodule_search_locations=places)
    if spec is None or spec.loader is None:
        raise PluginError(f"plugin {name!r} ({file}) is not a Python file")
    module = module_from_spec(spec)
    sys.modules[private] = module
    try:
        with Loading(f"plugin {name!r} ({file})", f'mend the file, or add "{name}" to [plugins] disabled'):
            spec.loader.exec_module(module)
    except PluginError:
        del sys.modules[private]
        raise
    return module
