"""A mailbox is bounded in events and in bytes, and never blocks a message for ever."""

import asyncio

import pytest

from router.actors.mailbox import Mailbox, MailboxFull


def mailbox(max_events: int = 10, max_bytes: int = 100) -> Mailbox[str]:
    return Mailbox(max_events=max_events, max_bytes=max_bytes)


def test_a_mailbox_refuses_more_events_than_its_bound() -> None:
    box = mailbox(max_events=3)
    box.put_nowait("a", events=2)

    with pytest.raises(MailboxFull):
        box.put_nowait("b", events=2)


def test_a_mailbox_refuses_more_bytes_than_its_bound() -> None:
    box = mailbox(max_bytes=10)
    box.put_nowait("a", size=8)

    with pytest.raises(MailboxFull):
        box.put_nowait("b", size=3)


def test_a_message_heavier_than_the_bound_is_taken_by_an_empty_mailbox() -> None:
    box = mailbox(max_events=3)

    box.put_nowait("a", events=50)

    assert box.events == 50


async def test_a_sender_waits_until_there_is_room() -> None:
    box = mailbox(max_events=1)
    box.put_nowait("first")
    sender = asyncio.ensure_future(box.put("second"))
    await asyncio.sleep(0)
    assert not sender.done()

    assert await box.take() == "first"
    await sender

    assert await box.take() == "second"


async def test_take_all_gives_everything_in_order() -> None:
    box = mailbox()
    for message in ("a", "b", "c"):
        box.put_nowait(message)

    assert await box.take_all() == ["a", "b", "c"]


async def test_take_all_stops_near_the_wanted_number_of_events() -> None:
    box = mailbox()
    for message in ("a", "b", "c"):
        box.put_nowait(message, events=2)

    assert await box.take_all(max_events=2) == ["a", "b"]


async def test_a_taken_message_weighs_nothing() -> None:
    box = mailbox()
    box.put_nowait("a", events=5, size=50)

    await box.take()

    assert (box.events, box.bytes) == (0, 0)


async def test_wait_empty_returns_when_the_last_message_was_taken() -> None:
    box = mailbox()
    box.put_nowait("a")
    waiter = asyncio.ensure_future(box.wait_empty())
    await asyncio.sleep(0)
    assert not waiter.done()

    await box.take()
    await waiter


async def test_clear_lets_waiting_senders_in() -> None:
    box = mailbox(max_events=1)
    box.put_nowait("old")
    sender = asyncio.ensure_future(box.put("new"))
    await asyncio.sleep(0)

    assert box.clear() == ["old"]
    await sender

    assert len(box) == 1
