"""The verb `schema`: which events and properties were seen, per source."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.admin.verbs import Desk, Verb
from router.events.found_field import FoundField
from router.storage.inventory import SeenEvent

Rows = Callable[[], Sequence[SeenEvent] | Awaitable[Sequence[SeenEvent]]]
Found = Callable[[], Sequence[FoundField] | Awaitable[Sequence[FoundField]]]


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
    found: Mapping[str, str] = {}
    """The colour that is recommended for each field, by its path, that probably holds personal data."""


SCHEMA: Verb[AskSchema, Schema] = Verb("schema", AskSchema, Schema)


def answer_schema(desk: Desk, rows: Rows, findings: Found) -> None:
    """Have `desk` answer: what a running router has seen is newer than what its store holds."""

    async def schema(asked: AskSchema) -> Schema:
        seen, found = rows(), findings()
        known = await seen if inspect.isawaitable(seen) else seen
        fields = await found if inspect.isawaitable(found) else found
        events = [
            one if asked.with_properties else replace(one, properties={})
            for one in known
            if asked.source in ("", one.source) and asked.name in ("", one.name)
        ]
        colours = {one.path: one.colour for one in fields} if asked.with_properties else {}
        return Schema(list(dict.fromkeys(one.source for one in known)), events, colours)

    desk.on(SCHEMA, schema)
