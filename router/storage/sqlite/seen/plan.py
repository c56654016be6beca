"""Which pieces to merge, so that few are left to ask and each id is rewritten a bounded number of times.

The window is cut into six slots. Pieces of a slot that is over become one. In the running slot there are at most two: a
big one, and a small one that takes up what is sealed until it is worth merging into the big one, which is when the
square of its size has outgrown the big one's. So n sealed tails cost about 2 × √n rewrites, and at most eight pieces
are left: six older slots and the two of the running one. No piece spans more than a slot, so it is dropped whole.
"""

from collections.abc import Sequence

from router.storage.sqlite.seen.piece import Piece

SLOTS = 6


def slot(received_at: int, window: int) -> int:
    """The number of the slot of a time."""
    return received_at // max(1, window // SLOTS)


def plan_merge(pieces: Sequence[Piece], *, window: int, seal: int, now: int) -> list[Piece]:
    """The neighbours to merge next, in the order of positions; empty when nothing is to do."""
    groups: dict[int, list[Piece]] = {}
    for piece in pieces:
        groups.setdefault(slot(piece.newest, window), []).append(piece)
    running = slot(now, window)
    for number, group in groups.items():
        if number != running and len(group) > 1:
            return group
        if number == running and len(group) > 2:
            small = group[1:]
            size = sum(piece.count for piece in small)
            return group if size * size >= group[0].count * seal else small
    return []
