"""How many traits find room in a profile, and that finding out takes no long."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from router.rules.identity import traits
from router.rules.identity.traits import merge_traits, take_traits
from router.storage.profile import Trait, Traits

names = st.sampled_from("abcdefgh")
values = st.sampled_from((b"1", b"22", b"333", None))
steps = st.lists(st.tuples(st.integers(1, 9), st.dictionaries(names, values, max_size=6)), max_size=8)


def like(at: int) -> Trait:
    return Trait(None, at, at, "m", "s")


def expected(known: dict[str, Trait], new: Mapping[str, bytes | None], at: int) -> None:
    """The rules in their plainest form."""
    for name, json in new.items():
        old = known.get(name)
        if old is not None and old.at >= at:
            continue
        others = sum(len(key) + len(one.json or b"") for key, one in known.items() if key != name)
        size, before = len(name) + len(json or b""), 0 if old is None else len(name) + len(old.json or b"")
        if size > before and others + size > traits.MOST_BYTES:
            continue
        if old is None and len(known) >= traits.MOST_TRAITS:
            removed = [(one.order, key) for key, one in known.items() if one.json is None]
            if not removed:
                continue
            del known[min(removed)[1]]
        known[name] = Trait(json, at, at, "m", "s")


@given(steps)
def test_new_values_find_room_as_the_rules_say(steps: list[tuple[int, dict[str, bytes | None]]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traits, "MOST_TRAITS", 4)
        patch.setattr(traits, "MOST_BYTES", 10)
        known: dict[str, Trait] = {}
        model: dict[str, Trait] = {}
        for at, new in steps:
            raws = {name: Raw(b"null" if json is None else json) for name, json in new.items()}
            take_traits(known, raws, like(at))
            expected(model, new, at)

            assert known == model


def test_the_loop_is_not_held_up_by_profiles_with_many_traits() -> None:
    one, other = ({f"{key}{n}": Trait(b"1", 1, 1, "m", "s") for n in range(1000)} for key in "ab")
    new = {f"c{n}": Raw(b"1") for n in range(300)}

    def took() -> float:
        since = time.perf_counter()
        merge_traits(Traits(one), Traits(other))
        take_traits(dict(one), new, like(5))
        return time.perf_counter() - since

    assert min(took() for _ in range(5)) < 0.02
