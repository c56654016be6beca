"""The network: an HTTP client without sockets, and services whose moods change by a schedule.

A request takes a while to arrive and its answer a while to come back. A service that takes events notes them when
they arrive, whatever becomes of the answer: a lost answer, a time-out or a kill makes the router send them again.
"""

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Struct, field

from router.delivery.classify import NetworkError
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import Outgoing
from router.plugins.request import Answer

MOODS = ("500", "503", "429", "401", "refused", "lost", "silent", "picky")
"""Fails; fails with Retry-After; is throttled; refuses the credentials; cannot be reached; takes and loses the
answer; does not answer in time; takes some events and not others."""


class Spell(Struct, frozen=True):
    """A service is in a mood for some time."""

    begin: float
    end: float
    mood: str
    share: float
    """The share of requests that feel it."""


class Delivery(Struct, frozen=True):
    """Events that a service took."""

    at: float
    life: int
    """The life of the process that sent them."""
    ids: tuple[str, ...]


class Service:
    """One service: what it took, and how it feels."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spells: Sequence[Spell] = ()
        self.refused: frozenset[str] = frozenset()
        """Events that it answers 400 to, for ever."""
        self.hated: frozenset[str] = frozenset()
        """Events that it answers 500 to, for ever."""
        self.most_events: int | None = None
        """Larger batches are answered 413."""
        self.latency = (0.001, 0.05)
        self.deliveries: list[Delivery] = []
        self.confirmed: dict[int, Counter[str]] = defaultdict(Counter)
        """For each life, how often an event was taken and the router was told."""
        self.sent: dict[int, set[str]] = defaultdict(set)
        """For each life, the events that were sent at all."""
        self.at_once = self.most_at_once = 0

    def mood(self, now: float, chance: random.Random) -> str:
        """How it feels about a request that arrives now."""
        for spell in self.spells:
            if spell.begin <= now < spell.end and chance.random() < spell.share:
                return spell.mood
        return ""

    def heal(self) -> None:
        """Be well from now on."""
        self.spells = ()
        self.latency = (0.001, 0.05)

    def judge(
        self, ids: Sequence[str], mood: str, chance: random.Random
    ) -> tuple[Answer | NetworkError | None, list[str]]:
        """The answer (None: never) and which events are taken; events that it minds decide alone."""
        match mood:
            case "500":
                return _answer(500), []
            case "503":
                return _answer(503, {"retry-after": str(chance.randint(1, 5))}), []
            case "429":
                return _answer(429, {"retry-after": str(chance.randint(1, 5))}), []
            case "401":
                return _answer(401), []
            case "refused":
                return NetworkError("ECONNREFUSED", "nobody listens"), []
            case "silent":
                minds = self.hated | self.refused
                return None, list(ids) if chance.random() < 0.5 and minds.isdisjoint(ids) else []
        if self.most_events is not None and len(ids) > self.most_events:
            return _answer(413), []
        if self.hated.intersection(ids):
            return _answer(500), []
        if self.refused.intersection(ids):
            return _answer(400), []
        if mood == "lost":
            return NetworkError("ECONNRESET", "the connection broke"), list(ids)
        return _answer(200), list(ids)


def _answer(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
    return Answer(status, headers or {}, body)


class Letter(Struct):
    """The body of every request of this world: events with the users they belong to."""

    ids: list[str]
    keys: list[list[str]] = field(default_factory=list)
    one_by_one: bool = False
    """Whether the service says of each event what became of it."""


class Network(HttpClient):
    """The client of one life; `is_dead` cuts it off."""

    def __init__(
        self, services: dict[str, Service], *, life: int, chance: random.Random, tell: Callable[..., None]
    ) -> None:
        super().__init__()
        self.is_dead = False
        self._services = services
        self._life = life
        self._chance = chance
        self._tell = tell

    async def send(self, request: Outgoing) -> Answer:
        """Carry a request to its service and the answer back; a cancelled one may have arrived all the same."""
        service = self._services[request.url.split("/")[2]]
        letter = msgspec.json.decode(request.body, type=Letter)
        if self.is_dead:
            raise NetworkError("ECONNABORTED", "the process was killed")
        service.sent[self._life].update(letter.ids)
        service.at_once += 1
        service.most_at_once = max(service.most_at_once, service.at_once)
        try:
            return await self._carry(service, letter, random.Random(self._chance.random()))
        finally:
            service.at_once -= 1

    async def _carry(self, service: Service, letter: Letter, chance: random.Random) -> Answer:
        ids = letter.ids
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(chance.uniform(*service.latency))
        except asyncio.CancelledError:
            if chance.random() < 0.5:  # it was on its way already
                _, taken = service.judge(ids, service.mood(loop.time(), chance), chance)
                self._take(service, taken)
            raise
        mood = service.mood(loop.time(), chance)
        if letter.one_by_one and mood in ("", "picky"):
            answer, taken = _one_by_one(service, letter, mood, chance)
        else:
            answer, taken = service.judge(ids, mood, chance)
        self._take(service, taken)
        if answer is None:
            await asyncio.sleep(3600)
            raise NetworkError("ETIMEDOUT", "no answer")
        await asyncio.sleep(chance.uniform(*service.latency))
        if isinstance(answer, NetworkError):
            raise answer
        self._tell(f"answer {service.name}", answer.status, len(taken))
        if taken and not self.is_dead:
            service.confirmed[self._life].update(taken)
        return answer

    def _take(self, service: Service, ids: Iterable[str]) -> None:
        taken = tuple(ids)
        if taken:
            at = asyncio.get_running_loop().time()
            service.deliveries.append(Delivery(at, self._life, taken))
            self._tell(f"taken by {service.name}", taken)

    async def close(self) -> None:
        """Nothing is open."""


def _one_by_one(
    service: Service, letter: Letter, mood: str, chance: random.Random
) -> tuple[Answer | NetworkError | None, list[str]]:
    """A service that leaves out an event leaves out the later ones of that user too."""
    verdicts, taken, left_out = [], [], set[str]()
    for message_id, keys in zip(letter.ids, letter.keys, strict=True):
        is_busy = mood == "picky" and chance.random() < 0.3
        if message_id in service.refused:
            verdicts.append("rejected")
        elif is_busy or message_id in service.hated or not left_out.isdisjoint(keys):
            left_out.update(keys)
            verdicts.append("retry")
        else:
            taken.append(message_id)
            verdicts.append("delivered")
    return _answer(200, body=msgspec.json.encode(verdicts)), taken
