"""Joins what was seen with what is personal of it: the inventory that people keep of fields with a colour."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from router.rules.observing import field_path
from router.storage.inventory import SeenEvent


class Personal:
    """The colours that people gave, and those that are recommended for other fields."""

    def __init__(self, colours: Mapping[str, str], found: Mapping[str, str]) -> None:
        self._colours = colours
        self._found = found

    def of(self, type: str, path: str) -> str:
        """The colour of a property of an event of that type: "red", "probably red", or nothing."""
        field = field_path(type, path)
        named = self.named(field)
        if named:
            return self._colours[named]
        return f"probably {self._found[field]}" if field in self._found else ""

    def named(self, field: str) -> str:
        """What the field is classified by, its path or its name; nothing where it is not."""
        name = field.rpartition(".")[2]
        return field if field in self._colours else name if name in self._colours else ""


COLUMNS = ("field", "colour", "source", "events", "seen in", "destinations")


def inventory_rows(
    colours: Mapping[str, str],
    events: Iterable[SeenEvent],
    connected: Mapping[str, Sequence[str] | None],
) -> Iterator[Sequence[str | int]]:
    """For each classified field and each source that sends it: its events, how often, and who may get it."""
    personal = Personal(colours, {})
    found: dict[tuple[str, str], tuple[dict[str, None], int]] = {}
    for one in events:
        for path, seen in one.properties.items():
            named = personal.named(field_path(one.type, path))
            if named:
                names, count = found.get((named, one.source), ({}, 0))
                found[named, one.source] = {**names, one.name or one.type: None}, count + seen.count
    for field, colour in colours.items():
        of_field = {source: seen for (name, source), seen in sorted(found.items()) if name == field}
        for source, (names, count) in of_field.items():
            to = [name for name, sources in connected.items() if sources is None or source in sources]
            yield field, colour, source, ", ".join(names), count, ", ".join(to)
        if not of_field:
            yield field, colour, "", "", 0, ""
