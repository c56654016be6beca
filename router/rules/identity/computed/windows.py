"""How a window slides: in pieces, at most 49 of them, so that what is kept is small however many events there are.

An event counts from its own `timestamp` on for the length of the window, and for one piece more at most, which is
the 48th part of the window: an hour too long in two days. It never leaves too early.
"""

from router.storage.computed_state import ComputedState, size_of

PIECES = 48
_SHORTEST_PIECE = 1000


def piece_of(at: int, window: int) -> int:
    """The piece that a moment is in; without a window there is only one."""
    return at // _length(window) if window else 0


def leaves_at(piece: int, window: int) -> int:
    """When a piece is no more in the window."""
    return (piece + 1) * _length(window) + window


def is_past(piece: int, window: int, now: int) -> bool:
    """Whether a piece has left the window."""
    return bool(window) and leaves_at(piece, window) <= now


def let_leave(state: ComputedState, now: int) -> bool:
    """Take the pieces out of the cells that have left by now, in place; whether there were any."""
    if not state.window:
        return False
    gone = [piece for piece in state.cells if leaves_at(piece, state.window) <= now]
    for piece in gone:
        cell = state.cells.pop(piece)
        if cell.__class__ is dict:
            state.entries -= len(cell)
            state.size -= size_of(cell)
    return bool(gone)


def next_at(state: ComputedState) -> int:
    """When the next piece leaves; 0 for never."""
    if not state.window or not state.cells:
        return 0
    return leaves_at(min(state.cells), state.window)


def _length(window: int) -> int:
    return max(_SHORTEST_PIECE, window // PIECES)
