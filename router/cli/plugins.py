"""`router plugins`: what there is to configure, and where it came from."""

import inspect

import click

from router.cli import configuration, output
from router.plugins.offers import Offer
from router.plugins.registry import Registry


@click.command()
@configuration.option
def plugins(file: str) -> None:
    """List the plugins and what they offer."""
    registry = configuration.read_registry(configuration.read_plugins(file))
    rows = [
        (offer.what, offer.kind, offer.plugin, offer.origin, _purpose(registry, offer))
        for offer in sorted(registry.offers, key=lambda offer: (offer.what, offer.kind))
    ]
    output.table(("what", "kind", "plugin", "from", "purpose"), rows)


def _purpose(registry: Registry, offer: Offer) -> str:
    """The first line of what the author wrote."""
    return (inspect.getdoc(registry.offered(offer)) or "").partition("\n")[0]
