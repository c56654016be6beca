"""What a configuration would do to the destinations that a store knows, and why it may not."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from router.config.model import Config, DestinationConfig, TransformationConfig
from router.config.problems import Path, Problems
from router.config.source_plugins import is_webhook
from router.enrichment.diverting import function_of
from router.ingestion.webhook_rows import source_of
from router.storage.side_log import Lane
from router.storage.store import REPLAY, DestinationState
from router.telemetry.conservation import pending


class Objection(Struct, frozen=True):
    """Why events would be lost, and the remedy."""

    destination: str
    path: Path
    what: str
    remedy: str
    events: int
    """How many events wait."""
    is_left_out: bool = False
    """Whether the section is missing, so that the events can go on waiting until it is back."""


def objections(
    destinations: Mapping[str, DestinationConfig],
    states: Iterable[DestinationState],
    *,
    stream_next: int,
) -> Iterator[Objection]:
    """What a configuration may not do to destinations that have events to come."""
    known = {state.name: state for state in states if not state.is_retired and state.kind != REPLAY}
    renamed = [one for one in destinations.values() if one.renamed_from in known]
    heirs = {str(one.renamed_from): one for one in renamed}
    for old, heir in heirs.items():
        if heir.name in known:
            path = ("destinations", heir.name, "renamed_from")
            what = f'the store knows both "{old}" and "{heir.name}", so one cannot become the other'
            remedy = f'remove this line, and keep [destinations.{old}] with retire = "drain"'
            yield Objection(heir.name, path, what, remedy, pending(known[old].standing, stream_next))
    for name, state in known.items():
        successor = heirs.get(name)
        is_renamed = successor is not None and successor.name not in known
        config = successor if is_renamed else destinations.get(name)
        events = pending(state.standing, stream_next)
        if not events:
            continue
        if config is None and successor is None:
            what = f"is not configured any more, and {_waits(events)} for it"
            remedy = 'keep its section with retire = "drain" to send them, or "expire" to give them up'
            yield Objection(name, ("destinations", name), what, remedy, events, is_left_out=True)
        elif config is not None and config.kind != state.kind:
            what = f'is of the kind "{state.kind}" until now, and {_waits(events)} for it'
            remedy = 'give the new one a name of its own, and keep the old section with retire = "drain"'
            yield Objection(name, ("destinations", config.name, "kind"), what, remedy, events)


def lane_objections(config: Config, lanes: Iterable[Lane]) -> Iterator[Objection]:
    """Functions that a configuration may not leave out: requests or events wait for them."""
    for lane in lanes:
        one, many = (
            ("request waits", "requests wait") if source_of(lane.name) else ("event waits", "events wait")
        )
        waits = f"1 {one}" if lane.waiting == 1 else f"{lane.waiting} {many}"
        if (name := source_of(lane.name)) is not None:
            if name in config.sources and is_webhook(config.sources[name]):
                continue
            path: Path = ("sources", name)
            what = f"takes no requests any more, and {waits} for it"
            remedy = "keep its section with enabled = false until they are done, or dead letters"
        elif (function := function_of(lane.name)) is not None:
            name, source = function
            if name in config.transformations and _asks_about(config.transformations[name], source):
                continue
            path = ("transformations", name)
            what = f"asks nobody about events of {source} any more, and {waits} for it"
            remedy = "keep it until they are done, or dead letters"
        else:
            continue
        yield Objection(name, path, what, remedy, lane.waiting, is_left_out=True)


def _asks_about(section: TransformationConfig, source: str) -> bool:
    return source in section.sources and section.transformation().asks()


def leaving(
    destinations: Mapping[str, DestinationConfig], states: Iterable[DestinationState]
) -> list[DestinationState]:
    """Those that a store knows and that have no section any more, also not under another name."""
    heirs = {one.renamed_from for one in destinations.values()}
    named = {*destinations, *heirs}
    return [one for one in states if not one.is_retired and one.kind != REPLAY and one.name not in named]


def worded(found: Iterable[Objection], *, file: str | None = None) -> list[str]:
    """Objections as lines."""
    problems = Problems(file)
    for one in found:
        problems.add(one.path, one.what, one.remedy)
    return problems.lines()


def _waits(events: int) -> str:
    return "1 event waits" if events == 1 else f"{events} events wait"
