"""Reads the sections `[[destinations.NAME.filters]]`."""

from collections.abc import Collection, Mapping
from typing import Any

from router.config.problems import Path, Problems, did_you_mean
from router.plugins.destination import Destination
from router.rules.filters.definition import FilterDefinition
from router.rules.filters.reading import MOST_FILTERS, read_filter
from router.rules.filters.refused import FilterRefused


def read_filters(
    section: Mapping[str, Any],
    path: Path,
    *,
    cls: type[Destination[Any, Any]],
    sources: Collection[str],
    problems: Problems,
) -> tuple[FilterDefinition, ...]:
    """The destination filters of a section; what is wrong with them is among the problems."""
    given = section.get("filters", [])
    where = (*path, "filters")
    if not isinstance(given, list):
        problems.add(where, "must be a list of tables", f"write [[{'.'.join(where)}]]")
        return ()
    if given and cls.category != "cloud":
        what = f"are for services, and {cls.kind} keeps events"
        problems.add(where, what, "use `filter`, or a transformation")
    if len(given) > MOST_FILTERS:
        what = f"are {len(given)}; a destination may have {MOST_FILTERS}"
        problems.add((*where, str(MOST_FILTERS)), what, "put conditions together with and, or")
    found: list[FilterDefinition] = []
    for number, data in enumerate(given):
        place = (*where, str(number))
        try:
            one = read_filter(data)
        except FilterRefused as error:
            for problem in error.problems:
                inside = (problem.place,) if problem.place else ()
                problems.add(
                    (*place, *inside), problem.what, problem.remedy, value=problem.text, at=problem.at
                )
            continue
        for source in one.only_from:
            if source not in sources:
                what = f'there is no source "{source}"'
                problems.add((*place, "sources"), what, did_you_mean(source, sources), value=source)
        found.append(one)
    return tuple(found)
