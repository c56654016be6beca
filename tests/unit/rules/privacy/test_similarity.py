"""Comparing a name with all terms at once finds what comparing it with each would."""

import random
import time

from router.rules.privacy.matchers import DEFAULT_MATCHERS, Detector
from router.rules.privacy.similarity import ALIKE, Terms, similarity, words_of

TERMS = [term for one in DEFAULT_MATCHERS for term in (one.name, *one.terms)] + ["a", "", "aa", "banana na"]


def is_alike(name: str, term: str) -> bool:
    """One name and one term, as the specification says it (privacy 1.2)."""
    words, wanted = words_of(name), words_of(term)
    size = len(wanted)
    parts = ["".join(words[start : start + size]) for start in range(len(words) - size + 1)]
    return any(similarity(part, "".join(wanted)) > ALIKE for part in ("".join(words), *parts))


def names(count: int) -> list[str]:
    """Terms with letters added, lost and changed, put together."""
    dice = random.Random(7)
    made = []
    for _ in range(count):
        words = [dice.choice(TERMS) for _ in range(dice.randint(1, 3))]
        text = list(dice.choice("_ -").join(words))
        for _ in range(dice.randint(0, 4)):
            place = dice.randint(0, len(text))
            text[place : place + dice.randint(0, 1)] = dice.choice(["", "x", "_", "na", "Q"])
        made.append("".join(text))
    return made


def test_privacy_02_names_are_compared_with_all_terms_as_with_each() -> None:
    terms = Terms(TERMS)

    for name in names(1500):
        expected = {number for number, term in enumerate(TERMS) if is_alike(name, term)}
        assert terms.alike(name) == expected, name


def test_names_without_end_take_microseconds_each() -> None:
    detector = Detector()
    dice = random.Random(7)
    made = ["".join(dice.choices("abcdefghijk_", k=12)) for _ in range(1000)]
    started = time.process_time()

    for name in made:
        detector.hit(name, 1)

    assert time.process_time() - started < 0.2
