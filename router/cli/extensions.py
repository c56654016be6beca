"""Commands that plugins bring along."""

import click

from router.cli.failure import Failure
from router.errors import PluginError
from router.plugins.registry import Registry


def add_plugin_commands(cli: click.Group) -> None:
    """Let the installed plugins add their commands to `cli`."""
    try:
        Registry.load().register_commands(cli)
    except PluginError as error:
        raise Failure(str(error), Failure.CONFIG) from None
