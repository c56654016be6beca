"""Where a destination's live traffic and a replay into it meet: who may send next, and how much at once.

Weights are live 8, retry 3, replay 1. As long as live has something ready, a replay gets one batch for eight live
ones (or three retries). When live has nothing ready it runs freely, but leaves one place free where there are several.
It sends nothing while the destination pauses: live finds out when it is back. Both together never have more on their
way than the destination allows.

Each side is asked by its dispatch and told by its actor, once a turn: nothing here happens per event.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from router.delivery.state import Kind, State

RETRIES, LIVE = 3, 8
"""So many retries, or other batches of live, for one batch of a replay."""


class Gate:
    """Both sides, for one destination."""

    def __init__(self, most: int) -> None:
        """`most` batches may be on their way at once."""
        self.most = most
        self.live = LiveSide(self)
        self.replay = ReplaySide(self)

    @property
    def has_place(self) -> bool:
        """Whether one more batch may be on its way."""
        return self.in_flight < self.most

    @property
    def in_flight(self) -> int:
        """Batches on their way."""
        return self.live.in_flight + self.replay.in_flight


class Side(ABC):
    """One of the two."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.left()

    def left(self) -> None:
        """The actor of this side has ended, or there was none yet."""
        self.in_flight = 0
        self.is_ready = False
        """Whether something waits that could leave at once."""
        self.wake: Callable[[], object] = _nobody
        """Has the actor look whether something may leave."""

    @property
    def is_open(self) -> bool:
        """Whether anything may leave, even a probe."""
        return True

    @property
    def barred(self) -> AbstractSet[str]:
        """Order keys that wait because of the other side."""
        return frozenset()

    @abstractmethod
    def may_launch(self) -> bool:
        """Whether one more batch may leave now."""

    @abstractmethod
    def launched(self, kind: Kind) -> None:
        """A batch leaves."""

    @abstractmethod
    def landed(self, in_flight: int) -> None:
        """So many batches are still on their way."""

    @abstractmethod
    def looked(self, state: State, *, is_ready: bool) -> None:
        """The actor has launched what might leave; `is_ready` says whether something is left that could."""


class LiveSide(Side):
    """Goes first, but lets a replay that has earned its turn take it."""

    def left(self) -> None:
        """Nothing of it is in a replay's way."""
        super().left()
        self.is_paused = False
        self.keys: AbstractSet[str] = frozenset()
        """Order keys behind the barrier."""
        self._parked = 0
        self.turn_is_over()

    @property
    def owes_a_turn(self) -> bool:
        """Whether it sent enough for the replay to be next."""
        return self._batches >= LIVE or self._retries >= RETRIES

    def turn_is_over(self) -> None:
        """The replay took its turn, or had nothing that could leave."""
        self._batches = self._retries = 0

    def may_launch(self) -> bool:
        """Whether there is a place, and it is not the replay's turn."""
        if not self.gate.has_place:
            return False
        if self.owes_a_turn and self.gate.replay.is_ready:
            self.gate.replay.offer()
            return False
        return True

    def launched(self, kind: Kind) -> None:
        """Count towards the replay's turn."""
        self.in_flight += 1
        if kind is Kind.RETRY:
            self._retries += 1
        else:
            self._batches += 1

    def landed(self, in_flight: int) -> None:
        """Know the places again."""
        self.in_flight = in_flight

    def looked(self, state: State, *, is_ready: bool) -> None:
        """Tell the replay what there is, and wake it when that may let it go on."""
        was_paused, self.is_paused = self.is_paused, state.pause.is_on or state.parking.is_full
        was_parked, self._parked = self._parked, len(state.parking)
        self.is_ready = is_ready
        self.keys = state.parking.keys
        replay = self.gate.replay
        is_freed = was_paused or self._parked < was_parked or (replay.is_waiting and replay.may_launch())
        if is_freed and not self.is_paused:
            replay.wake()


class ReplaySide(Side):
    """Goes when live lets it."""

    def left(self) -> None:
        """Whatever it held is free."""
        super().left()
        self.is_waiting = False
        """Whether it was refused and should be woken when live has looked."""
        self._is_offered = False
        self.gate.live.wake()

    @property
    def is_open(self) -> bool:
        """Not while the destination pauses."""
        return not self.gate.live.is_paused

    @property
    def barred(self) -> AbstractSet[str]:
        """Users of whom an earlier event is parked at the destination."""
        return self.gate.live.keys

    def offer(self) -> None:
        """It is its turn; live waits until it has looked."""
        self._is_offered = True
        self.wake()

    def may_launch(self) -> bool:
        """Whether live leaves a place and has nothing ready, or it is the replay's turn."""
        live, gate = self.gate.live, self.gate
        is_turn = self._is_offered or live.owes_a_turn
        is_free = not live.is_ready and gate.in_flight < max(1, gate.most - 1)
        self.is_waiting = not (gate.has_place and (is_turn or is_free))
        return not self.is_waiting

    def launched(self, kind: Kind) -> None:
        """Take the turn."""
        self.in_flight += 1
        self._turn_is_over()

    def landed(self, in_flight: int) -> None:
        """Give back places."""
        if in_flight < self.in_flight:
            self.gate.live.wake()
        self.in_flight = in_flight

    def looked(self, state: State, *, is_ready: bool) -> None:
        """Give back a turn that it could not use."""
        self.is_ready = is_ready
        if self._is_offered:
            self._turn_is_over()

    def _turn_is_over(self) -> None:
        self.gate.live.turn_is_over()
        if self._is_offered:
            self._is_offered = False
            self.gate.live.wake()


def _nobody() -> None:
    """There is no actor on this side."""
