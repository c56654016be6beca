"""What one enricher adds, by what it is given: it is asked once for each, and the answers are kept as JSON."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct

from router.actors.guard import Foreign, Guard
from router.errors import PluginError
from router.events.calls import decode_open_json
from router.events.wire import ABSENT
from router.plugins.enricher import Enricher
from router.plugins.loading import code_file, code_line

KEPT = 8192
"""Most answers that are kept for one enricher. Then all go: to mind the age of each would cost more than it saves."""
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

    def __init__(
        self, enricher: Enricher[Any], *, failed: Callable[[str, str], None], guard: Guard | None = None
    ) -> None:
        """`guard` watches over it; `failed` is told once, with kind and error, when it raises for the first time."""
        self.kind = enricher.kind
        self.adds = frozenset(enricher.adds)
        self._add = enricher.add
        if guard is not None:
            foreign = Foreign(f"enrichment {enricher.kind}", enricher.kind, code_file(type(enricher)))
            self._add = partial(guard.run, foreign, enricher.add)
        self._reads = enricher.reads
        self._first, *self._rest = enricher.reads
        self._kept: dict[bytes, Answer] = {}
        self._failed = failed
        self._is_told = False

    def find(self, context: Mapping[str, Raw]) -> Answer:
        """What follows from the members of a context."""
        given = bytes(context.get(self._first, ABSENT))
        for name in self._rest:
            if name in context:  # mostly one of them is there
                given += b",%b:%b" % (name.encode(), context[name])
        answer = self._kept.get(given)
        if answer is None:
            answer = self._ask(context)
            if len(given) <= LARGEST:
                if len(self._kept) >= KEPT:
                    self._kept.clear()
                self._kept[given] = answer
        return answer

    def _ask(self, context: Mapping[str, Raw]) -> Answer:
        try:
            given = {name: decode_open_json(context[name]) for name in self._reads if context.get(name)}
            return self._answer(self._add(given)) if given else NOTHING
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
        if unknown := set(made) - self.adds:
            raise PluginError(f"added {min(map(repr, unknown))}, which is not in `adds`; name it there")
        return Answer(tuple((name, _encode(name) + b":" + _encode(value)) for name, value in made.items()))
