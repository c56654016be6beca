"""Finished steps: fed back to the same request of the same events, bounded, never to another."""

import pytest

from router.delivery.sending import steps
from router.delivery.sending.steps import Finished, Place, Steps
from router.delivery.verdict import DELIVERED
from router.plugins.request import Answer, Request

REQUEST = Request.post("http://h/", json=1)


def finished(size: int = 0) -> Finished:
    return Finished(DELIVERED, Answer(200, {}, b"x" * size))


def test_a_step_is_recalled_for_the_same_request_only() -> None:
    memory = Steps()
    memory.keep(Place(("m1",), 0), REQUEST, finished())

    assert memory.recall(Place(("m1",), 0), REQUEST) == finished()
    assert memory.recall(Place(("m1",), 0), Request.post("http://h/", json=2)) is None
    assert memory.recall(Place(("m1",), 1), REQUEST) is None
    assert memory.recall(Place(("m1", "m2"), 0), REQUEST) is None


def test_the_oldest_steps_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST", 2)
    memory = Steps()
    for number in range(3):
        memory.keep(Place(("m1",), number), REQUEST, finished())

    assert [memory.recall(Place(("m1",), number), REQUEST) is None for number in range(3)] == [
        True,
        False,
        False,
    ]


def test_answers_take_no_more_memory_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_BYTES", 3000)
    memory = Steps()
    for number in range(5):
        memory.keep(Place(("m1",), number), REQUEST, finished(1000))

    assert len(memory) == 2


def test_a_step_that_is_kept_again_is_counted_once() -> None:
    memory = Steps()
    for _ in range(3):
        memory.keep(Place(("m1",), 0), REQUEST, finished(1000))
    memory.forget(Place(("m1",), 0))

    assert (len(memory), memory._bytes) == (0, 0)


def test_a_key_is_the_message_id_and_tells_steps_and_batches_apart() -> None:
    keys = [Place(ids, n).idempotency_key for ids in (("m1",), ("m1", "m2"), ("m1", "m3")) for n in (0, 1)]

    assert keys[:2] == ["m1", "m1.1"]
    assert len(set(keys)) == 6
    assert all(key.startswith("m1") for key in keys)


def test_a_key_is_text_that_a_header_may_carry_whatever_the_message_id_is() -> None:
    assert Place(("13 é\r\nX-Injected: 1",), 0).idempotency_key == "13%20%C3%A9%0D%0AX-Injected%3A%201"
