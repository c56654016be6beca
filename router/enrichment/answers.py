"""What one enricher adds, by what it is given: it is asked once for each, and the last answers are kept as JSON."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from router.errors import PluginError
from router.events.calls import decode_open_json
from router.plugins.enricher import Enricher
from router.plugins.loading import code_line

REMEMBERED = 8192
"""Most answers that are kept for one enricher; a cache that is too small costs time and nothing else."""
LARGEST = 2048
"""What is given in more bytes than this is answered anew each time, so that nobody can fill the memory."""

_encode = msgspec.json.Encoder().encode


class Answer(Struct, frozen=True, gc=False):
    """What is to be added, or that the enricher failed."""

    members: tuple[tuple[str, bytes], ...] = ()
    """Names of members of `context`, each with the text `"name":value`."""
    is_failed: bool = False


NOTHING = Answer()
FAILED = Answer(is_failed=True)


class Answers:
    """The answers of one enricher; all sources that have it share them."""

    def __init__(self, enricher: Enricher[Any], *, failed: Callable[[str, str], None]) -> None:
        """`failed` is told once, with kind and error, when the enricher raises for the first time."""
        self.kind = enricher.kind
        self.reads = enricher.reads
        self.adds = enricher.adds
        self._enricher = enricher
        self._failed = failed
        self._is_told = False
        self._remembered = lru_cache(REMEMBERED)(self._ask)

    def __call__(self, given: tuple[bytes, ...]) -> Answer:
        """What follows from the members that it reads, in their order, as JSON text; empty where one is absent."""
        return self._remembered(given) if sum(map(len, given)) <= LARGEST else self._ask(given)

    def _ask(self, given: tuple[bytes, ...]) -> Answer:
        try:
            members = {
                name: decode_open_json(text) for name, text in zip(self.reads, given, strict=True) if text
            }
            return self._answer(self._enricher.add(members)) if members else NOTHING
        except Exception as error:  # noqa: BLE001 - it costs this addition and nothing else
            if not self._is_told:
                self._is_told = True
                # the words of a foreign error may hold what a customer sent
                words = str(error) if isinstance(error, PluginError) else type(error).__name__
                self._failed(self.kind, f"{words}{code_line(error)}")
            return FAILED

    def _answer(self, made: object) -> Answer:
        if not isinstance(made, Mapping):
            raise PluginError(f"returned {type(made).__name__} instead of a mapping; return {{}} for nothing")
        if unknown := set(made) - set(self.adds):
            raise PluginError(f"added {min(map(repr, unknown))}, which is not in `adds`; name it there")
        return Answer(tuple((name, _encode(name) + b":" + _encode(value)) for name, value in made.items()))
