"""The verb `schema`: which events and properties were seen, per source."""

import inspect
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.admin.verbs import Desk, Verb
from router.storage.inventory import SeenEvent

Rows = Callable[[], Sequence[SeenEvent] | Awaitable[Sequence[SeenEvent]]]


class AskSchema(Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for; empty is everything."""

    source: str = ""
    name: str = ""
    """The name of an event."""
    with_properties: bool = False


class Schema(Struct, frozen=True):
    """What was seen."""

    sources: list[str]
    """Every source of which something was seen, whatever was asked for."""
    events: list[SeenEvent]


SCHEMA: Verb[AskSchema, Schema] = Verb("schema", AskSchema, Schema)


def answer_schema(desk: Desk, rows: Rows) -> None:
    """Have `desk` answer from `rows`: those of a running router are newer than what its store holds."""

    async def schema(asked: AskSchema) -> Schema:
        found = rows()
        known = await found if inspect.isawaitable(found) else found
        events = [
            one if asked.with_properties else replace(one, properties={})
            for one in known
            if asked.source in ("", one.source) and asked.name in ("", one.name)
        ]
        return Schema(list(dict.fromkeys(one.source for one in known)), events)

    desk.on(SCHEMA, schema)
