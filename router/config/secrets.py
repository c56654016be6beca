"""References to secrets: `env:NAME` and `file:path`, as a plugin like anybody's, and the walk that resolves them."""

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from router.config.problems import Path, Problems
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry


class EnvironmentAndFiles:
    """Resolves `env:NAME` from an environment and `file:path` from the disk."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @hookimpl
    def resolve_secret(self, reference: str) -> str | None:
        """The value of a reference of these two forms."""
        scheme, _, name = reference.partition(":")
        if scheme == "env":
            return self._from_environment(name)
        if scheme == "file" and not name.startswith("//"):  # file:// is a URL, and a setting may be one
            return _from_file(name)
        return None

    def _from_environment(self, name: str) -> str:
        if name not in self._environ:
            raise LookupError(f"environment variable {name} is not set; set it, or write the value itself")
        return self._environ[name]


@hookimpl
def resolve_secret(reference: str) -> str | None:
    """The value of `env:NAME` in the process's environment, or of `file:path`."""
    return EnvironmentAndFiles(os.environ).resolve_secret(reference)


class References:
    """Puts values in the place of references, and remembers where they were."""

    def __init__(self, registry: Registry, problems: Problems) -> None:
        self._registry = registry
        self._problems = problems
        self.found: dict[Path, str] = {}
        """The reference at each key path that had one."""

    def resolve(self, value: Any, path: Path) -> tuple[bool, Any]:
        """Whether everything in `value` could be resolved, and `value` with its references replaced."""
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping):
            pairs = {key: self.resolve(member, (*path, str(key))) for key, member in value.items()}
            return all(good for good, _ in pairs.values()), {key: one for key, (_, one) in pairs.items()}
        if isinstance(value, list):
            members = [self.resolve(member, (*path, str(index))) for index, member in enumerate(value)]
            return all(good for good, _ in members), [one for _, one in members]
        return True, value

    def below(self, path: Path) -> str | None:
        """A reference that stood at `path` or deeper, or None."""
        return next((found for key, found in self.found.items() if key[: len(path)] == path), None)

    def _text(self, value: str, path: Path) -> tuple[bool, Any]:
        try:
            resolved = self._registry.resolve_secret(value)
        except LookupError as error:
            what, _, remedy = str(error.args[0]).partition("; ")
            self._problems.add(path, what, remedy or "set it, or write the value itself")
            return False, value
        if resolved is None:
            return True, value
        self.found[path] = value
        return True, resolved


def _from_file(name: str) -> str:
    try:
        return FilePath(name).read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise LookupError(
            f"file {name} cannot be read ({reason}); make it readable, or mend the path"
        ) from None
