"""`router check`: reads the configuration and says everything that is wrong with it."""

import click

from router.cli import configuration, output
from router.config.model import Config


@click.command()
@configuration.option
def check(file: str) -> None:
    """Check the configuration without starting anything.

    Exits with 0 when it can be used, and with 78 after saying everything that is wrong with it.
    """
    config = configuration.read(file)
    output.line(f"{file}: no problems")
    _show_sources(config)
    _show_destinations(config)


def _show_sources(config: Config) -> None:
    rows = []
    for source in config.sources.values():
        key = config.references.get(f"sources.{source.name}.write_key", "in the file")
        limit = f"{source.rate_limit} requests/s" if source.rate_limit else "none"
        rows.append((source.name, key, source.workspace, limit, "yes" if source.enabled else "no"))
    output.line()
    output.table(("source", "write key", "workspace", "limit", "enabled"), rows)


def _show_destinations(config: Config) -> None:
    rows = []
    for one in config.destinations.values():
        sources = "all" if one.sources is None else ", ".join(sorted(one.sources))
        rows.append((one.name, one.kind, sources, str(one.policies.batching.max_events)))
    output.line()
    output.table(("destination", "kind", "sources", "events a batch"), rows)
