"""What is remembered of the names of events and properties, which clients may make as long as they like."""

import asyncio
from typing import Any

from router.enrichment.detection import Detection
from router.enrichment.inventory import Inventory
from router.enrichment.sightings import Seen
from router.events.calls import Track
from router.rules.privacy.classified import Classified
from router.rules.privacy.matchers import Detector, Hit
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


def test_a_name_is_not_looked_into_each_time_when_counting_begins_anew() -> None:
    looks = []

    class Looking(Detector):
        def hit(self, key: str, value: Any) -> Hit | None:
            looks.append(key)
            return None

    detection, kept = Detection(Looking(), Classified(()), every=1000), inventory()
    event = track(properties={"a": 1})
    for came in (5000, *range(1, 101)):
        seen = Seen(("website", Track, "Met"), came - 1, 0, count=1, last_at=START)
        detection(event, seen, kept.findings.step(), source="website")

    assert len(looks) == 1 + 16


def test_a_step_looks_at_a_bounded_number_of_fields() -> None:
    detection, step = Detection(Detector(), Classified(()), every=64), inventory().step()
    found: list[str] = []
    for number in range(15):
        event = track(event=f"E{number}", properties={f"a{n}": "ann@example.com" for n in range(200)})
        seen = step.see("website", event, START)
        found += [one.path for one in detection(event, seen, step.finds, source="website")]

    assert len(found) == 2000
