"""How alike two names are: the Dice coefficient on pairs of letters, of names without case and signs."""

import re
from collections import Counter
from functools import lru_cache

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
    total = pairs.total() + others.total()
    return 2 * (pairs & others).total() / total if total else 0.0


def is_alike(name: str, term: str) -> bool:
    """Whether the name as a whole, or as many of its words as the term has, is like the term (privacy 1.2)."""
    words, wanted = words_of(name), words_of(term)
    size = len(wanted)
    parts = ["".join(words[start : start + size]) for start in range(len(words) - size + 1)]
    return any(similarity(part, "".join(wanted)) > ALIKE for part in ("".join(words), *parts))


@lru_cache(4096)
def _pairs(word: str) -> Counter[str]:
    return Counter(word[start : start + 2] for start in range(len(word) - 1))
