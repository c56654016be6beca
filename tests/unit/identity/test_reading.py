"""What the store is asked for a step of which nothing is in memory: what is needed, and nothing twice."""

from collections.abc import Sequence

import pytest

from router.storage.profile import Key, Profile
from tests.unit.identity.worlds import World, alias, identify, shape, track

ANN = identify(user="u1", anon="a1", traits={"email": "ann@x.io"})


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The values of each question for owners."""
    asked: list[list[str]] = []
    owners = world.store.profiles.owners

    async def listen(keys: Sequence[Key]) -> list[Profile | None]:
        asked.append([one.value for one in keys])
        return await owners(keys)

    monkeypatch.setattr(world.store.profiles, "owners", listen)
    return asked


async def test_of_a_known_user_only_the_strongest_identifier_is_asked(
    world: World, asked: list[list[str]]
) -> None:
    await world.take(ANN)
    world.begin()
    asked.clear()

    await world.take(ANN, track(user="u1", anon="a1"))

    assert asked == [["u1"]]


async def test_of_somebody_new_each_identifier_is_asked_once(world: World, asked: list[list[str]]) -> None:
    await world.take(ANN, track(user="u2", anon="a1"), track(anon="a2"), track(anon="u1"))

    assert asked == [["u1", "u2", "a2", "u1"], ["ann@x.io", "a1"]]


async def test_a_weaker_identifier_of_somebody_else_is_still_found(
    world: World, asked: list[list[str]]
) -> None:
    await world.take(track(user="u1"))
    await world.take(track(anon="a1"))
    world.begin()
    asked.clear()

    await world.take(track(user="u1", anon="a1"))

    assert asked == [["u1"], ["a1"]]
    assert await world.shape() == shape("a1 u1")


async def test_the_previous_id_of_an_alias_is_asked(world: World, asked: list[list[str]]) -> None:
    await world.take(track(anon="a1"))
    await world.take(track(user="u1"))
    world.begin()
    asked.clear()

    await world.take(alias("u1", "a1"))

    assert asked == [["u1"], ["a1", "a1"]]
    assert await world.shape() == shape("a1 u1")


async def test_nothing_is_asked_of_those_in_memory(world: World, asked: list[list[str]]) -> None:
    await world.take(ANN)
    asked.clear()

    await world.take(ANN)

    assert asked == []
