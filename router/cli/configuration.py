"""The option `--config`, and reading what it names."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from router.cli.failure import Failure
from router.config.load import load, load_outline, load_plugins, load_storage
from router.config.model import Config, Outline, StorageConfig
from router.errors import ConfigError, PluginError
from router.plugins.registry import PluginsConfig, Registry

option = click.option(
    "--config",
    "-c",
    "file",
    default="router.toml",
    show_default=True,
    metavar="FILE",
    help="The configuration.",
)


def read(file: str) -> Config:
    """The configuration in `file`; ends the command with every problem of it and exit code 78."""
    with _said():
        return load(file)


def read_with_plugins(file: str) -> tuple[Config, Registry]:
    """The configuration in `file` and the plugins that it was read with."""
    made: list[Registry] = []

    def registry(plugins: PluginsConfig) -> Registry:
        made.append(Registry.load(plugins))
        return made[0]

    with _said():
        return load(file, registry=registry), made[0]


def read_storage(file: str) -> StorageConfig:
    """The section `[storage]` of `file`; needs no secret."""
    with _said():
        return load_storage(file)


def read_outline(file: str) -> Outline:
    """The names in `file`; needs no secret."""
    with _said():
        return load_outline(file)


def read_plugins(file: str) -> PluginsConfig:
    """Where plugins come from, whatever else is wrong with `file`, or when there is none."""
    with _said():
        return load_plugins(file)


def read_registry(plugins: PluginsConfig) -> Registry:
    """The plugins that are built in, installed and named in `plugins`."""
    with _said():
        return Registry.load(plugins)


def refused(problems: Sequence[str]) -> Failure:
    """How a command ends that cannot use a configuration."""
    heading = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Failure("\n".join([f"{heading} in the configuration:", *problems]), Failure.CONFIG)


@contextmanager
def _said() -> Iterator[None]:
    """End the command with whatever is wrong with the configuration."""
    try:
        yield
    except ConfigError as error:
        raise refused(error.problems) from None
    except PluginError as error:
        raise Failure(str(error), Failure.CONFIG) from None
