"""Answers by the JSON text that they follow from: what clients write again and again is judged once."""

from collections.abc import Callable
from typing import Generic, TypeVar

from msgspec import Raw

AnswerT = TypeVar("AnswerT")
MOST = 1024
"""So many texts are remembered, and then all are forgotten."""
LONGEST = 512
"""Longer texts are not remembered: they are rare, and strangers write them."""


class Answers(Generic[AnswerT]):
    """Remembers what `judge` said of a text."""

    def __init__(self, judge: Callable[[bytes], AnswerT]) -> None:
        self._judge = judge
        self._known: dict[bytes, AnswerT] = {}

    def of(self, raw: Raw) -> AnswerT:
        """The answer to this text."""
        text, known = bytes(raw), self._known
        if text in known:
            return known[text]
        answer = self._judge(text)
        if len(text) <= LONGEST:
            if len(known) >= MOST:
                known.clear()
            known[text] = answer
        return answer
