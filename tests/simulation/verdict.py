"""Whether the promises held in a world that was played to its end; each check answers with what is wrong."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator

from router.events.step import Prepared
from router.identity.resolver import Resolver
from router.rules.identity.space_rules import SpaceRules
from router.storage.memory.store import MemoryStorage
from router.storage.store import DestinationState
from tests.simulation.plan import STEADY, Receiver
from tests.simulation.world import World, adviser_of, dropped

PROMPT_SECONDS = 2.0
"""So soon the steady destination has an event, while the process and its disk are well."""
RECOVERY_SECONDS = 15.0
"""So long after a trouble of the disk, or a start, nobody is expected to be prompt."""


def verdict(world: World) -> list[str]:
    """Everything that is wrong."""
    if not world.problems:
        checks = (_stream, _profiles, _books, _ends, _order, _repeats, _asked, _bounds, _prompt)
        world.problems += [problem for check in checks for problem in check(world)]
    return world.problems


def _stream(world: World) -> Iterator[str]:
    """What was acknowledged is in the stream once, in the order in which its client sent it, at rising times."""
    yield from world.chronicle.problems
    lines = world.chronicle.lines
    counts = Counter(line.id for line in lines)
    yield from (f"{one} is in the stream {n} times" for one, n in counts.items() if n > 1)
    for client in (*world.clients, *([world.vendor] if world.vendor is not None else [])):
        yield from (
            f"{one} was acknowledged and is not in the stream"
            for said in client.said
            for one in said.ids
            if one not in counts
        )
    numbers: dict[str, int] = {}
    for line in lines:
        client_name, _, number = line.id.partition("-")
        if int(number) < numbers.get(client_name, -1):
            yield f"{line.id} is in the stream behind {client_name}-{numbers[client_name]}"
        numbers[client_name] = int(number)
    times = [line.received_at for line in lines]
    if times != sorted(times):
        yield "received_at goes back"


def _profiles(world: World) -> Iterator[str]:
    """Every event has the profile that it has in a world without any trouble, where all come at once."""
    store = MemoryStorage(store_id=world.chronicle.store_id)
    rules = SpaceRules()
    spaces = {name: ("default", rules) for name in ("app", "website", "shop")}
    resolver = Resolver(store.profiles, store.store_id, lambda: spaces, memory_bytes=lambda: 1 << 25)
    envelopes = [line.envelope for line in world.chronicle.lines]
    prepared = [Prepared(one.source, one.event, one.metadata, one.received_at, b"") for one in envelopes]
    calm = asyncio.run(resolver.resolve(prepared, 0)).envelopes
    for envelope, other in zip(envelopes, calm, strict=True):
        if envelope.profile_id != other.profile_id or envelope.profile_id is None:
            yield f"{envelope.event.message_id} is of {envelope.profile_id}, not of {other.profile_id}"


def _books(world: World) -> Iterator[str]:
    """The sums agree, and count what there was."""
    for balance in world.balance:
        if balance.is_of_stream:
            if balance.missing or balance.pending:
                yield f"the stream: {balance}"
            continue
        if " " in balance.destination:  # a lane of the side log
            if balance.missing or balance.pending:
                yield f"{balance.destination}: {balance}"
            continue
        receiver = _receiver(world, balance.destination)
        accepted = sum(_is_for(receiver, line.source) for line in world.chronicle.lines)
        if balance.missing or balance.pending or balance.accepted != accepted:
            yield f"{balance.destination}: {balance}, and {accepted} were in the stream"


def _ends(world: World) -> Iterator[str]:
    """Each event met one end at each destination, the right one."""
    for receiver in world.plan.receivers:
        service = world.services[receiver.name]
        taken = {one for delivery in service.deliveries for one in delivery.ids}
        found: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for position, outcome, reason in world.ends.get(receiver.name, ()):  # type: ignore[misc]
            found[position].append((outcome, reason))  # type: ignore[index]
        trimmed = world.plan.retention < 3600
        for position, line in enumerate(world.chronicle.lines):
            ends = found.get(position, [])
            where = f"{receiver.name}: {line.id} at {position}"
            if not _is_for(receiver, line.source):
                if ends:
                    yield f"{where} is of another source and ended as {ends}"
                continue
            if len(ends) != 1 and not (trimmed and not ends):
                yield f"{where} has the ends {ends}"
            for outcome, reason in ends:
                if outcome == "delivered" and line.id not in taken:
                    yield f"{where} counts as delivered and did not arrive"
                if reason == "NOT_ADVISED" and line.id in taken:
                    yield f"{where} is {outcome}, and arrived all the same"
                if outcome != "delivered" and not reason:
                    yield f"{where} is {outcome} without a reason"
                if outcome == "expired":
                    yield f"{where} is {outcome}: {reason}"
                if outcome == "dead" and receiver.name == STEADY:
                    yield f"{where} is dead: {reason}"
            is_wanted = receiver.shape != "tracks" or line.type in ("track", "identify")
            if trimmed and not ends and is_wanted and receiver.name == STEADY and line.id not in taken:
                yield f"{where} did not arrive"


def _order(world: World) -> Iterator[str]:
    """Events that share a key arrived first in the order of the stream.

    One exception is known: an event is given up, a later one of its user leaves, and a kill forgets that it was given
    up before that was settled. Then it is sent again, behind the other.
    """
    places = {line.id: position for position, line in enumerate(world.chronicle.lines)}
    for receiver in world.plan.receivers:
        if receiver.policies.ordering != "per_user":
            continue
        latest: dict[str, tuple[int, int]] = {}
        seen: set[str] = set()
        for delivery in world.services[receiver.name].deliveries:
            for one in delivery.ids:
                if one in seen:
                    continue
                seen.add(one)
                position = places[one]
                for key in world.chronicle.lines[position].keys:
                    other, life = latest.get(key, (-1, 0))
                    is_known = life < delivery.life and (receiver.name, life) in world.died
                    if other > position and not is_known:
                        yield f"{receiver.name}: {one} arrived behind a later event of {key} (life {delivery.life})"
                    if position >= other:
                        latest[key] = position, delivery.life


def _repeats(world: World) -> Iterator[str]:
    """Nothing is sent again that a life was told was taken, nor what an earlier life had settled."""
    places = {line.id: position for position, line in enumerate(world.chronicle.lines)}
    for receiver in world.plan.receivers:
        service = world.services[receiver.name]
        for life, counts in service.confirmed.items():
            for one, count in counts.items():
                if count > 1:
                    yield f"{receiver.name}: {one} was confirmed {count} times in life {life}"
        for life, found in world.chronicle.found.items():
            state = found.get(receiver.name)
            if state is not None:
                again = [one for one in service.sent[life] if _is_settled(state, places[one])]
                for one in sorted(again):
                    yield f"{receiver.name}: {one} was settled before life {life} and sent again"


def _is_settled(state: DestinationState, position: int) -> bool:
    return state.cursor.is_complete(position) and all(row.position != position for row in state.parked)


def _asked(world: World) -> Iterator[str]:
    """Nobody is asked again in the same life about what was answered, and nothing arrives without an answer."""
    for receiver in world.plan.receivers:
        if receiver.adviser is None:
            continue
        service = world.services[adviser_of(receiver.name)]
        for life, counts in service.confirmed.items():
            yield from (
                f"{service.name}: {one} was answered {count} times in life {life}"
                for one, count in counts.items()
                if count > 1
            )
        advised = {one for counts in service.confirmed.values() for one in counts}
        drops = dropped(receiver.name, receiver.adviser, world.plan.seed)
        for delivery in world.services[receiver.name].deliveries:
            for one in delivery.ids:
                if one not in advised or one in drops:
                    yield f"{receiver.name}: {one} arrived, and was not to"


def _bounds(world: World) -> Iterator[str]:
    """No more was on its way at once than the destination allows."""
    for receiver in world.plan.receivers:
        most = world.services[receiver.name].most_at_once
        if most > receiver.policies.concurrency.max:
            yield f"{receiver.name}: {most} requests at once, {receiver.policies.concurrency.max} allowed"


def _prompt(world: World) -> Iterator[str]:
    """The steady destination gets its events at once, whatever the others do."""
    arrivals: dict[str, float] = {}
    for delivery in world.services[STEADY].deliveries:
        for one in delivery.ids:
            arrivals.setdefault(one, delivery.at)
    for client in world.clients:
        for said in client.said:
            if not _is_quiet(world, said.at):
                continue
            for one in said.ids:
                waited = arrivals.get(one, float("inf")) - said.at
                if waited > PROMPT_SECONDS:
                    yield f"{STEADY}: {one} came {waited:.1f} s after its acknowledgement at {said.at:.1f} s"


def _is_quiet(world: World, at: float) -> bool:
    """Whether nothing happens to the process and its disk around this moment."""
    for begin, end in world.troubles:
        if begin - PROMPT_SECONDS <= at <= end + RECOVERY_SECONDS:
            return False
    return any(life.begin + RECOVERY_SECONDS / 3 <= at < life.end - PROMPT_SECONDS for life in world.lives)


def _receiver(world: World, name: str) -> Receiver:
    return next(one for one in world.plan.receivers if one.name == name)


def _is_for(receiver: Receiver, source: str) -> bool:
    return receiver.sources is None or source in receiver.sources
