"""The worked examples of the specification's table 4.1, each with the stated state and profile."""

import pytest
from msgspec.structs import replace

from router.events.calls import Identify
from router.rules.identity import matching
from router.rules.identity.limit import Limit
from router.rules.identity.space_rules import SpaceRules
from tests.unit.identity.worlds import World, identify, shape

RULES = SpaceRules(priorities=("user_id", "email", "anonymous_id"))
TWO_USERS = replace(RULES, limits={"user_id": Limit(2)})


def event(text: str) -> Identify:
    """`event("u1 e1 a1")`."""
    words = {word[0]: word for word in text.split()}
    traits = {"email": words["e"]} if "e" in words else {}
    return identify(user=words.get("u"), anon=words.get("a"), traits=traits)


ROWS = {
    "A": ((), "a1", ("a1",), "a1"),
    "B": (("a1",), "u1 a1", ("u1 a1",), "u1"),
    "C": (("u1 e1",), "u2 e1", ("u1 e1", "u2"), "u2"),
    "D": (("a1 e1", "a2"), "e1 a2", ("a1 a2 e1",), "a1"),
    "E": (("u1 a1", "u2"), "u2 a1", ("u1 a1", "u2"), "u2"),
    "F": (("u1 a1", "u1 a2", "u1 a3", "u1 a4", "u1 a5"), "u1 a6", ("u1 a1 a2 a3 a4 a5",), "u1"),
    "G": (("u1 a1", "u1 a2", "u1 a3", "u1 a4", "u1 a5", "u1 a6"), "a6", ("u1 a1 a2 a3 a4 a5", "a6"), "a6"),
    "H": (("u1 e1", "u2 e2"), "u1 e2 a1", ("u1 e1", "u2 e2"), "u1"),
    "J": (("u1", "u2", "u1 e9"), "u2 e9", ("u1 e9", "u2"), "u2"),
    "K": (("u1 a1",), "u3 a1", ("u1 a1", "u3"), "u3"),
}


@pytest.mark.parametrize("name", ROWS)
async def test_identity_02_row_of_the_table(name: str) -> None:
    before, comes, after, owner = ROWS[name]
    world = World(RULES)
    for one in before:
        await world.take(event(one))

    [profile] = await world.take(event(comes))

    assert await world.shape() == shape(*after)
    kind = {"u": "user_id", "a": "anonymous_id"}[owner[0]]
    found = await world.owner(owner, kind)
    assert found is not None
    assert profile == found.id


@pytest.mark.parametrize("name", ROWS)
async def test_identity_02_row_of_the_table_in_one_step(name: str) -> None:
    before, comes, after, _ = ROWS[name]
    world = World(RULES)

    await world.take(*map(event, (*before, comes)))

    assert await world.shape() == shape(*after)


async def test_identity_02_row_i_of_the_table() -> None:
    world = World(RULES)
    first = await world.take(event("u1 a1"))

    assert await world.take(identify(user="null", anon="a1")) == first
    assert await world.shape() == shape("u1 a1")


async def test_identity_02_row_k_later_events_of_the_tablet() -> None:
    world = World(RULES)
    first = await world.take(event("u1 a1"))
    await world.take(event("u3 a1"))

    assert await world.take(event("a1")) == first


async def test_identity_02_row_l_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_MERGES", 3)
    world = World(replace(RULES, limits={"anonymous_id": Limit(99)}))
    for number in range(5):
        await world.take(event(f"a{number}"))
    for number in range(4):
        await world.take(event(f"e1 a{number}"))
    big, other = await world.owner("e1", "email"), await world.owner("a4", "anonymous_id")
    assert big is not None
    assert other is not None
    assert big.merges == 3
    before = await world.graph()

    done = await world.step([event("e1 a4")])

    assert done.envelopes[0].profile_id == big.id  # it owns the better of the two
    assert await world.graph() == before
    assert done.counts["left_out_of_profiles", "website", "merge"] == 1


async def test_identity_02_rows_m_n_and_o_of_the_table() -> None:
    world = World(TWO_USERS)
    await world.take(event("u1 e1"))
    first = await world.take(event("u2 e1"))
    assert await world.shape() == shape("u1 u2 e1")

    world.use(RULES)
    assert await world.take(event("u1 e1")) == first
    assert await world.shape() == shape("u1 u2 e1")
    assert await world.take(event("u1 a1")) == first
    assert await world.shape() == shape("u1 u2 e1 a1")
