"""Rules for files that are not Python: locks, the README, the Makefile, and what no file may name."""

import re
from collections.abc import Iterable, Iterator, Mapping

MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|tmp|home/\w+)/")
"""Folders of one machine, which mean nothing on another."""

HOST = re.compile(r"://|--find-links|--index-url|--extra-index-url|\bfile:")


def hosts_in_lock(text: str) -> Iterator[str]:
    """Lines of a lock that name a host or a folder."""
    for number, line in enumerate(text.splitlines(), 1):
        if HOST.search(line):
            yield f"line {number}: {line.strip()}"


def unhashed(text: str) -> Iterator[str]:
    """Packages of a requirements lock without version or hash."""
    for entry in re.split(r"\n(?=\S)", text.strip()):
        if not entry.startswith("#") and ("==" not in entry or "--hash=sha256:" not in entry):
            yield entry.splitlines()[0]


def machine_paths(files: Mapping[str, str]) -> Iterator[str]:
    """Lines that name a folder of one machine."""
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATHS.search(line):
                yield f"{path}:{number}: {line.strip()}"


def make_commands(text: str) -> set[str]:
    """The targets of every `make …` that a text tells the reader to run."""
    return set(re.findall(r"(?:^|`)(?:\$ )?make ([a-z][a-z-]*)", text, flags=re.MULTILINE))


def make_targets(makefile: str) -> set[str]:
    """The targets of a Makefile that have a name of their own."""
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))


def packages_listed(pyproject: Mapping[str, object]) -> set[str]:
    """The packages that pyproject.toml puts into a wheel."""
    tool = pyproject["tool"]
    assert isinstance(tool, dict)
    return set(tool["setuptools"]["packages"])


def packages_written(module_names: Iterable[str]) -> set[str]:
    """The packages that hold these modules."""
    return {name.rpartition(".")[0] or name for name in module_names}
