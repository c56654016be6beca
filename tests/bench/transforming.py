"""What a change costs on the way of an event: a step of router.toml, and a function in JavaScript."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from router.events.calls import AnyEvent, decode_event
from router.javascript.function_settings import FunctionSettings
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.chain import Chain
from router.plugins.declarative.steps import Steps, StepsSettings
from router.plugins.transformation import Transformation
from tests.bench.events import ecommerce
from tests.bench.figure import Figure

STEPS = [
    {"rename": {"properties.total": "properties.amount"}},
    {"set": {"properties.shop": "web"}},
]
FUNCTION = """
function onTrack(event, settings) {
  const { total, ...rest } = event.properties;
  event.properties = { ...rest, amount: total, shop: settings.shop };
  return event;
}
"""
BATCH = 100
ROUNDS = 30


async def transforming_figures(folder: Path) -> list[Figure]:
    """A rename and a value that is set, both ways, with the encoding of the result."""
    steps = Steps(msgspec.convert({"steps": STEPS}, StepsSettings), name="steps")
    function = FunctionTransformation(
        FunctionSettings(code=FUNCTION, settings={"shop": "web"}), name="function"
    )
    return [
        Figure("CPU per event, rename and set in router.toml", _cost(steps), 30, "µs"),
        Figure("CPU per event, the same in JavaScript, batches of 100", _cost(function), 25, "µs"),
    ]


def _cost(transformation: Transformation[Any, Any]) -> float:
    apply = Chain([transformation]).apply_all
    _run(apply)
    return min(_run(apply) for _ in range(ROUNDS)) * 1e6 / BATCH


def _run(apply: Callable[[Sequence[AnyEvent]], Sequence[Any]]) -> float:
    events = [decode_event(_stored()) for _ in range(BATCH)]
    begun = time.process_time()
    for made in apply(events):
        assert isinstance(made.json, bytes)
    return time.process_time() - begun


def _stored() -> bytes:
    event = msgspec.json.decode(ecommerce())
    return msgspec.json.encode({**event, "receivedAt": event["timestamp"]})
