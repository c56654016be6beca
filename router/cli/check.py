"""`router check`: reads the configuration and says everything that is wrong with it, also with what the store holds."""

import click

from router.admin.overview import OVERVIEW
from router.admin.verbs import Nothing
from router.cli import configuration, output
from router.cli.asking import ask
from router.config import lives
from router.config.model import Config
from router.config.problems import dotted
from router.config.profile_reads import profile_reads
from router.errors import RouterError


@click.command()
@configuration.option
def check(file: str) -> None:
    """Check the configuration without starting anything.

    Exits with 0 when it can be used, and with 78 after saying everything that is wrong with it. Where there is a
    store, it also says which waiting events a new configuration would leave without a destination, and which
    requests of vendors without their function.
    """
    config = configuration.read(file)
    _look_at_store(file, config)
    output.line(f"{file}: no problems")
    _show_sources(config)
    _show_destinations(config)
    _show_transformations(config)
    _show_consent(config)
    _show_profile_reads(config)


def _look_at_store(file: str, config: Config) -> None:
    if config.storage.kind == "memory":
        return
    try:
        seen = ask(config.storage, OVERVIEW, Nothing())
    except RouterError as error:  # the file is right or wrong whatever the store does
        output.line(output.printable(f"the store was not looked at: {error}"))
        return
    if seen is None:
        return
    found = [
        *lives.objections(config.destinations, seen.destinations, stream_next=seen.facts.stream_next),
        *lives.lane_objections(config, seen.books.lanes),
    ]
    problems = lives.worded(found, file=file)
    if problems:
        raise configuration.refused(problems)


def _show_sources(config: Config) -> None:
    rows = []
    for source in config.sources.values():
        key = config.references.get(f"sources.{source.name}.write_key", "in the file")
        key = key if source.write_key else "none"
        limit = f"{source.rate_limit} requests/s" if source.rate_limit else "none"
        rows.append(
            (source.name, key, source.workspace, limit, "yes" if source.enabled else "no", source.kind or "")
        )
    output.line()
    output.table(("source", "write key", "workspace", "limit", "enabled", "kind"), rows)


def _show_destinations(config: Config) -> None:
    rows = []
    for one in config.destinations.values():
        sources = "all" if one.sources is None else ", ".join(sorted(one.sources))
        life = f"retired by {one.retire}" if one.retire else ""
        called, batch = one.addressee.names[0], str(one.policies.batching.max_events)
        rows.append((one.name, one.kind, called, sources, batch, life))
    output.line()
    output.table(("destination", "kind", "events call it", "sources", "events a batch", ""), rows)


def _show_transformations(config: Config) -> None:
    if not config.transformations:
        return
    rows = []
    for one in config.transformations.values():
        place = "kept events of " if one.sources else "what is sent to "
        rows.append((one.name, one.kind, place + ", ".join(one.sources or one.destinations)))
    output.line()
    output.table(("transformation", "kind", "changes"), rows)


def _show_consent(config: Config) -> None:
    if not config.consent.categories:
        return
    rows = []
    for id, one in config.consent.categories.items():
        needing = [name for name, section in config.destinations.items() if id in section.categories]
        rows.append((id, one.name or id, ", ".join(needing) if one.enabled else "nobody: it is switched off"))
    output.line()
    output.table(("consent category", "name", "needed by"), rows)


def _show_profile_reads(config: Config) -> None:
    """Which traits are kept with events, and for whom; older events do not have them."""
    by_trait: dict[str, list[str]] = {}
    for read in profile_reads(config):
        if read.trait is not None:
            by_trait.setdefault(read.trait, []).append(dotted(read.place))
    if not by_trait:
        return
    output.line()
    rows = [(output.printable(name), ", ".join(sorted({*by_trait[name]}))) for name in sorted(by_trait)]
    output.table(("trait kept with events", "because of"), rows)
    output.line(
        "\nEvents that were processed before a trait was named do not have it: where they still wait, or are "
        "replayed, rules find it absent."
    )
