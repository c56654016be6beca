"""How alike two names are: the Dice coefficient on pairs of letters, of names without case and signs."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import add

ALIKE = 0.7
"""Names that are more alike than this are taken for the same."""
LONGEST = 100
"""Characters of a name that are compared."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: `userEmail`, `user_email` and `User E-Mail` differ in nothing else."""
    return [word.lower() for word in _WORD.findall(name[:LONGEST])]


def similarity(one: str, other: str) -> float:
    """The share of letter pairs that two words have in common, from 0 to 1."""
    if one == other:
        return 1.0
    pairs, others = _pairs(one), _pairs(other)
    total = len(pairs) + len(others)
    return 2 * len(pairs & others) / total if total else 0.0


class Terms:
    """Terms that names are compared with, all at once: by the letter pairs that they share (privacy 1.2)."""

    def __init__(self, terms: Iterable[str]) -> None:
        self._sizes: list[tuple[int, int]] = []
        """Of each term how many words and how many pairs it has."""
        self._equal: dict[str, list[int]] = {}
        self._having: dict[str, list[int]] = {}
        for number, term in enumerate(terms):
            words = words_of(term)
            whole = "".join(words)
            pairs = _pairs(whole)
            self._sizes.append((len(words), len(pairs)))
            self._equal.setdefault(whole, []).append(number)
            for pair in pairs:
                self._having.setdefault(pair, []).append(number)
        self._words = sorted({size for size, _ in self._sizes})
        self._longest = max((pairs for _, pairs in self._sizes), default=0) * (2 - ALIKE) / ALIKE
        """A text with so many pairs is like no term, even if it shares all of theirs."""

    def same(self, name: str) -> Sequence[int]:
        """The terms that differ from a name in nothing but case and signs."""
        return self._equal.get("".join(words_of(name)), ())

    def alike(self, name: str) -> set[int]:
        """The terms that are like the name as a whole, or like as many of its words as they have."""
        words = words_of(name)
        found = set(self._like("".join(words), None))
        for size in self._words:
            parts = {"".join(words[start : start + size]) for start in range(len(words) - size + 1)}
            for part in parts:
                found.update(self._like(part, size))
        return found

    def _like(self, text: str, words: int | None) -> Iterator[int]:
        if len(text) > self._longest + 1:
            return
        pairs = _pairs(text)
        shared: dict[int, int] = {}
        for pair in pairs & self._having.keys():
            for number in self._having[pair]:
                shared[number] = shared.get(number, 0) + 1
        for number, common in shared.items():
            size, others = self._sizes[number]
            if (words is None or size == words) and 2 * common / (len(pairs) + others) > ALIKE:
                yield number
        for number in self._equal.get(text, ()):  # also those too short to have a pair
            if words is None or self._sizes[number][0] == words:
                yield number


@lru_cache(4096)
def _pairs(word: str) -> frozenset[str]:
    """The pairs of letters; one that comes again has a number behind it."""
    pairs = list(map(add, word, word[1:]))
    found = frozenset(pairs)
    if len(found) == len(pairs):
        return found
    counts = Counter(pairs)
    return found.union(f"{pair}{number}" for pair, count in counts.items() for number in range(1, count))
