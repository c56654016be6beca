"""A filter never says no to what it has, and rarely maybe to what it has not."""

import numpy as np

from router.storage.sqlite.seen.filter import Filter, Filters, probes


def words(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    made = np.random.default_rng(seed).integers(0, 1 << 64, (2, count), np.uint64)
    return made[0], made[1]


def test_a_filter_says_maybe_to_all_that_it_has() -> None:
    keys, others = words(1, 20_000)
    one = Filter.sized(20_000)
    one.add(keys, others)

    assert Filters([one]).may_have(probes(keys, others)).all()


def test_a_full_filter_is_wrong_at_most_once_in_a_thousand() -> None:
    one = Filter.sized(20_000)
    one.add(*words(1, 20_000))

    assert Filters([one]).may_have(probes(*words(2, 100_000))).mean() < 0.001


def test_filters_asked_together_answer_each_for_itself() -> None:
    filters = []
    for seed in (1, 2, 3):
        one = Filter.sized(500 * seed)
        one.add(*words(seed, 500 * seed))
        filters.append(one)

    answers = Filters(filters).may_have(probes(*words(2, 1000)))

    assert answers[1].all()
    assert answers[0].mean() < 0.05
    assert answers[2].mean() < 0.05
