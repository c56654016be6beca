"""What insert functions made of events is remembered within bounds, and for the very same event only."""

import pytest

from router.delivery.sending import inserted
from router.delivery.sending.inserted import InsertedEvents
from router.testing.events import track


def test_what_was_made_of_an_event_is_recalled_until_it_is_forgotten() -> None:
    kept, event, made = InsertedEvents(), track("A"), track("B")

    kept.keep(event, made)
    before = kept.recall(event)
    kept.forget(event)

    assert (before, kept.recall(event), len(kept)) == (made, None, 0)


def test_another_event_under_the_same_id_is_another_event() -> None:
    kept, event = InsertedEvents(), track("A")

    kept.keep(event, track("B"))

    assert kept.recall(event.replace(event="C")) is None


@pytest.mark.parametrize(("name", "most"), [("MOST", 2), ("MOST_BYTES", 1600)])
def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch, name: str, most: int) -> None:
    monkeypatch.setattr(inserted, name, most)
    kept = InsertedEvents()
    events = [track("A", message_id=f"m{number}") for number in range(3)]

    for event in events:
        kept.keep(event, event)

    assert [kept.recall(event) is not None for event in events] == [False, True, True]
