"""What is remembered of the names of events and properties, which clients may make as long as they like."""

import asyncio

from router.enrichment.inventory import Inventory
from router.storage.memory.store import MemoryStorage
from tests.unit.identity.worlds import START, track


def inventory() -> Inventory:
    return Inventory(MemoryStorage(), sleep=asyncio.sleep)


def test_events_are_remembered_by_the_beginning_of_their_names() -> None:
    step = inventory().step()

    one = step.see("website", track(event="x" * 30_000 + "1"), START)

    assert one.key[2] == "x" * 200
    assert step.see("website", track(event="x" * 30_000 + "2"), START) is one


def test_a_property_with_a_long_name_is_new_once() -> None:
    kept = inventory()
    event = track(properties={"x" * 300: 1})

    for is_new in (False, False):  # the first event of a name is looked into anyway
        assert kept.step().see("website", event, START).has_new_key is is_new
        kept.committed()
