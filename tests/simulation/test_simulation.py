"""The promises hold in every simulated world, and a world is the same each time it is played."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.house.tree import ROOT
from tests.simulation.seeds import Stage
from tests.simulation.verdict import verdict

HANDFUL = range(1, 6)
MANY = range(100, 200)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as one:
        yield one


@pytest.mark.parametrize("seed", HANDFUL)
def test_the_promises_hold_in_a_simulated_world(stage: Stage, seed: int) -> None:
    played = stage.play(seed)

    assert not played.problems, f"make drill SEED={seed}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_promises_hold_in_many_simulated_worlds(stage: Stage) -> None:
    played = [stage.play(seed) for seed in MANY]

    broken = {one.seed: one.problems for one in played if one.problems}
    assert not broken, f"repeat one with make drill SEED={min(broken)}"
    assert sum(one.events for one in played) > 2000, "too little happened to prove anything"
    assert sum(one.lives for one in played) > 2 * len(played), "too few processes died"


def test_a_seed_plays_the_same_twice(stage: Stage) -> None:
    first = stage.play(7)

    assert stage.play(7) == first


@pytest.mark.slow
def test_a_seed_plays_the_same_whatever_the_order_of_sets_is() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "7"]

    prints = {
        subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(prints) == 1


def test_a_loss_is_noticed(stage: Stage) -> None:
    world = stage.world(8)
    world.play()
    lost = next(client for client in world.clients if client.said).said[0].ids[0]

    for service in world.services.values():
        service.deliveries = [
            replace(one, ids=tuple(id for id in one.ids if id != lost)) for one in service.deliveries
        ]

    assert any(lost in problem for problem in verdict(world))


def test_an_overtaking_is_noticed(stage: Stage) -> None:
    world = stage.world(8)
    world.play()

    for service in world.services.values():
        service.deliveries.reverse()

    assert any("arrived behind" in problem for problem in verdict(world))
