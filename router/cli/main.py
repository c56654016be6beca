"""The command `router`. A command's module is imported when it is used, so `router --help` is quick."""

from importlib import import_module

import click

_COMMANDS = {
    "run": "Run the router until it is told to stop.",
    "check": "Check the configuration without starting anything.",
    "test": "Try the examples of functions and transformations.",
    "preview": "Show what a new configuration would send.",
    "reload": "Have the running router read its configuration again.",
    "send": "Send one call to a running router.",
    "tap": "Watch events as they come.",
    "where": "Show what became of one event.",
    "profile": "See the profiles; join two, part one, write them to a file.",
    "metrics": "Show what came, went and failed over time.",
    "schema": "Show which events were seen.",
    "plan": "Check a tracking plan, try it, or have one proposed.",
    "dead": "See the events that were given up; send them again or forget them.",
    "replay": "Send stored events to a destination once more.",
    "new": "Begin a plugin, or a function.",
    "privacy": "See which fields probably hold personal data.",
    "plugins": "List the plugins and what they offer.",
    "doctor": "Look for what is wrong, or soon will be.",
}
"""Each command and its first line of help; its module has the same name."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used; a name it does not know may be a plugin's."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names, in the order in which one needs them."""
        return [*_COMMANDS, *(name for name in self.commands if name not in _COMMANDS)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import the command `name`; for an unknown name, ask the plugins."""
        if name in _COMMANDS:
            command: click.Command = getattr(import_module(f"router.cli.{name}"), name)
            return command
        if name not in self.commands:
            import_module("router.cli.extensions").add_plugin_commands(self)
        return self.commands.get(name)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pointsman", prog_name="router")
def main() -> None:
    """Pointsman: an event router that speaks Segment's protocol."""


if __name__ == "__main__":
    main(prog_name="router")
