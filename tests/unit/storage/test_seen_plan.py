"""Merging leaves few pieces and rewrites each id a bounded number of times."""

import numpy as np

from router.storage.sqlite.seen.filter import Filter
from router.storage.sqlite.seen.piece import Piece
from router.storage.sqlite.seen.plan import plan_merge

WINDOW = 86_400_000
SEAL = 1000


def test_a_day_of_sealed_tails_leaves_at_most_eight_pieces_and_few_rewrites() -> None:
    pieces: list[Piece] = []
    nothing = np.zeros(8, np.uint64)
    written = 0
    tails = 600
    for number in range(tails):
        now = WINDOW * number // tails
        pieces.append(Piece(number, number, number + 1, SEAL, now, now, nothing, Filter(nothing)))
        while group := plan_merge(pieces, window=WINDOW, seal=SEAL, now=now):
            size = sum(piece.count for piece in group)
            written += size
            merged = Piece(
                number,
                group[0].first,
                group[-1].after,
                size,
                group[0].oldest,
                group[-1].newest,
                nothing,
                Filter(nothing),
            )
            pieces = sorted([*(one for one in pieces if one not in group), merged], key=lambda one: one.first)

    assert len(pieces) <= 8
    assert all(piece.newest - piece.oldest <= WINDOW / 6 for piece in pieces)
    assert [piece.after for piece in pieces[:-1]] == [piece.first for piece in pieces[1:]]
    assert written / (tails * SEAL) < 2 * (tails / 6) ** 0.5
