"""A destination's transformations: what goes on, what is dropped, what breaks.

An event that was given up and is sent again after its segment went is kept as it was transformed, and comes through
here a second time.
"""

from collections.abc import Sequence

from msgspec import Struct

from router.delivery.verdict import Judgement, Verdict
from router.events.envelope import Envelope
from router.plugins.chain import Chain
from router.plugins.dropped import Dropped

TRANSFORMATION_ERROR = "TRANSFORMATION_ERROR"


class Transformed(Struct):
    """Events by what became of them."""

    taken: Sequence[Envelope]
    filtered: Sequence[tuple[Envelope, str]] = ()
    broken: Sequence[tuple[Envelope, Verdict]] = ()
    """Events that a transformation raised for."""


def transform(chain: Chain | None, envelopes: Sequence[Envelope]) -> Transformed:
    """Run the chain over `envelopes`; what it raises harms the event alone."""
    if chain is None:
        return Transformed(envelopes)
    taken, filtered, broken = [], [], []
    results = chain.apply_all([envelope.event for envelope in envelopes])
    for envelope, made in zip(envelopes, results, strict=True):
        if isinstance(made, Exception):
            answer = f"{type(made).__name__}: {made}"
            broken.append((envelope, Verdict(Judgement.REFUSED, TRANSFORMATION_ERROR, answer=answer)))
        elif isinstance(made, Dropped):
            filtered.append((envelope, made.reason.upper()))
        else:
            taken.append(envelope if made is envelope.event else envelope.replace_event(made))
    return Transformed(taken, filtered, broken)
