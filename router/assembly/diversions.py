"""Functions that ask others about the events of a source before they are kept, at work: an actor for each of its lanes.

enrichment, at the function's place ──▶ lane of the side log ──▶ actor ──▶ inbox ──▶ the steps behind the function
"""

import asyncio
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw

from router.actors.guard import Foreign
from router.assembly.trying import Around, Trying
from router.config.model import Config, TransformationConfig
from router.enrichment.diverting import function_of
from router.enrichment.processing import Processing
from router.errors import PluginError
from router.events.calls import AnyEvent, decode_event
from router.events.diverted import Diverted, Returned
from router.events.envelope import order_keys
from router.ingestion.divert_actor import DivertActor
from router.ingestion.webhook_actor import Failed
from router.plugins.chain import checked
from router.plugins.dropped import Dropped
from router.plugins.loading import code_file
from router.plugins.outcome import Outcome
from router.plugins.request import Answer, Request
from router.plugins.source import Call
from router.plugins.transformation import Transformation
from router.storage.letters import DeadLetter
from router.storage.side_log import SideEntry
from router.telemetry.happenings import PluginMisbehaved
from router.telemetry.side_happenings import EventsDiverted, LaneLeftOut
from router.telemetry.signals import Signal

LIMIT_SECONDS = 5.0
"""How long one run may take, with everything that it asks."""
MOST = 1000
"""A function that asks more often about one event would never end."""
_REMEDY = "put its section back; of a source with enabled = false, if nothing new is to come"
_decode = msgspec.json.Decoder(Diverted).decode


class Diversions(Mapping[str, DivertActor]):
    """The actors of one router's functions that ask before events are kept, by their lane."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._actors: dict[str, DivertActor] = {}
        self._served: dict[str, TransformationConfig] = {}
        self._moved = asyncio.Event()
        self._is_changing = False
        around.signals.observe(self._look)

    def __getitem__(self, lane: str) -> DivertActor:
        return self._actors[lane]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actors)

    def __len__(self) -> int:
        return len(self._actors)

    @property
    def troubles(self) -> dict[str, str]:
        """Why events wait longer than they should, by lane."""
        return {lane: actor.trouble for lane, actor in self._actors.items() if actor.trouble}

    @property
    def briefs(self) -> dict[str, str]:
        """The same without what anybody sent: for who asks without being an operator."""
        return {lane: actor.brief for lane, actor in self._actors.items() if actor.brief}

    async def worked_off(self) -> bool:
        """Whether nothing waited; otherwise returns after something of it moved."""
        if not self._actors:
            return True
        self._moved.clear()
        lanes = await self._around.storage.side_log.lanes()
        if not any(lane.name in self._actors for lane in lanes):
            return True
        await self._moved.wait()
        return False

    async def change(self, config: Config, processing: Mapping[str, Processing]) -> None:
        """Go by another configuration: stop those that are not to be there any more, start those that are new."""
        wanted = _lanes(processing)
        gone = [
            lane
            for lane, section in self._served.items()
            if lane not in wanted or config.transformations.get(wanted[lane]) != section
        ]
        self._is_changing = True
        try:
            await asyncio.gather(*(self._stop(lane) for lane in gone))
            self.start(config, processing)
        finally:
            self._is_changing = False

    def start(self, config: Config, processing: Mapping[str, Processing]) -> None:
        """Start those that do not run yet."""
        for lane, name in _lanes(processing).items():
            if lane not in self._actors:
                self._start(lane, config.transformations[name], config)
        sources = {function[1] for lane in self._actors if (function := function_of(lane)) is not None}
        self._around.ingestion.diverting = frozenset(sources)

    def _start(self, lane: str, section: TransformationConfig, config: Config) -> None:
        around = self._around
        function = function_of(lane)
        assert function is not None  # so the lane was named
        plugin = Foreign(f"transformation {section.name}", section.kind, code_file(section.cls))
        runner = _Runner(
            section,
            hide=partial(config.without_secrets, section),
            call=partial(around.containment.guard.run, plugin),
            http=around.http,
            clock=around.clock,
            misbehaved=lambda where: around.signals.emit(
                PluginMisbehaved(plugin.owner, plugin.kind, "blocked", where)
            ),
        )
        actor = DivertActor(
            function[1],
            lane,
            plugin=plugin,
            log=around.storage.side_log,
            attempt=runner.attempt,
            letter=runner.letter,
            close=runner.close,
            accept=around.ingestion.accept,
            count=around.ingestion.count,
            limits=around.limits,
            now=around.clock.now,
            later=around.clock.call_later,
            sleep=around.clock.sleep,
            signals=around.signals,
            keys=_keys,
            moved=self._moved.set,
        )
        self._actors[lane], self._served[lane] = actor, section
        around.supervisor.start(actor)

    async def _stop(self, lane: str) -> None:
        actor = self._actors.pop(lane)
        del self._served[lane]
        await self._around.supervisor.end(actor)

    async def tell_left_out(self, known: Collection[str]) -> None:
        """Name the lanes that nobody reads, neither here nor among those that are `known`."""
        for lane in await self._around.storage.side_log.lanes():
            if lane.name not in self._actors and lane.name not in known:
                self._around.signals.emit(LaneLeftOut(lane.name, lane.waiting, _REMEDY))

    def _look(self, signal: Signal) -> None:
        if isinstance(signal, EventsDiverted):
            for lane in signal.lanes:
                if lane in self._actors:
                    self._actors[lane].look()
                elif not self._is_changing:  # they were prepared before its function was removed
                    self._around.signals.emit(LaneLeftOut(lane, signal.count, _REMEDY))


class _Runner(Trying):
    """Runs one function; it is made when it is first needed."""

    def __init__(self, section: TransformationConfig, **options: Any) -> None:
        super().__init__(section.settings, **options)
        self._section = section
        self._plugin: Transformation[Any, Any] | None = None

    async def attempt(self, entry: SideEntry) -> Sequence[Call] | Failed:
        """Run it once, on one event."""
        if self._plugin is None:
            self._plugin = self.made(self._section.transformation)
        plugin = self._plugin
        try:
            diverted = _decode(entry.data)
            event = decode_event(bytes(diverted.before))
            async with self.limited(LIMIT_SECONDS):
                word = await self._asked(plugin, event)
            if isinstance(word, Outcome):
                is_final = word.verdict != "retry"
                return Failed(word.reason, self.hide(word.detail), is_final, word.after)
            made = checked(plugin, event, word)
        except Exception as error:  # noqa: BLE001 - a function may raise anything; it costs this event only
            return self.judged(error, LIMIT_SECONDS)
        facts = {name: getattr(diverted, name) for name in Diverted.__struct_fields__}
        if isinstance(made, Dropped):
            back = Returned(**facts, dropped=made.reason, is_kept=made.is_kept, detail=made.detail)
        else:
            back = Returned(**facts, after=Raw(made.json))
        return [msgspec.json.encode(back)]

    def letter(self, entry: SideEntry, failed: Failed) -> DeadLetter:
        """The dead letter of an event for which it failed."""
        diverted = _decode(entry.data)
        return DeadLetter(
            destination=entry.lane,
            position=-1,
            message_id=diverted.message_id,
            reason=failed.code,
            attempts=entry.attempts,
            first_tried_at=entry.first_tried_at,
            died_at=self.clock.now(),
            event=bytes(diverted.before),
            answer=failed.text,
            source=diverted.source,
            entry=entry.data,
        )

    def close(self) -> None:
        """Let go of the function."""
        self._plugin = None

    async def _asked(self, plugin: Transformation[Any, Any], event: AnyEvent) -> Any:
        """What the function says of an event."""
        asking: Generator[Request, Answer, Any] = self.call(plugin.asking, [event])
        answer: Any = None
        try:
            for _ in range(MOST):
                try:
                    request = self.call(asking.send, answer)
                except StopIteration as end:
                    [word] = end.value
                    return word
                answer = await self.ask(request)
        finally:
            self.call(asking.close)
        raise PluginError(f"transformation {plugin.name!r} asks more than {MOST} times about one event")


def _lanes(processing: Mapping[str, Processing]) -> dict[str, str]:
    """Every lane, with the name of its function."""
    return {lane: name for one in processing.values() for name, lane in one.diversions.items()}


def _keys(entry: SideEntry) -> Sequence[str]:
    try:
        return order_keys(decode_event(bytes(_decode(entry.data).before)))
    except msgspec.MsgspecError:
        return ()
