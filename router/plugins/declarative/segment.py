"""The transformation `segment`: those of Segment's Public API, from a file of JSON."""

from collections.abc import Iterable
from typing import Any

from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.plugins.hookspecs import hookimpl
from router.plugins.settings import FileText, Settings
from router.plugins.transformation import Transformation
from router.rules.changes.refused import ChangeRefused
from router.rules.changes.segment import (
    SegmentTransformation,
    compile_group,
    conflicts_of,
    problems_of,
    profile_paths_of,
    read_transformations,
)


class SegmentSettings(Settings, frozen=True):
    """Which transformations."""

    file: FileText | None = None
    """A file with what `GET /transformations` answers, or a list of transformations."""
    json: str = ""
    """The same as text, instead of a file."""

    def __post_init__(self) -> None:
        """Refuse what Segment would refuse, all at once."""
        if (self.file is None) == (not self.json):
            raise ValueError(
                'it needs either file or json; write e.g. settings.file = "transformations.json"'
            )
        try:
            every = self.transformations()
        except ChangeRefused as error:
            raise ValueError(str(error)) from None
        found = [(number, problem) for number, one in enumerate(every) for problem in problems_of(one)]
        found += conflicts_of(every)
        if found:
            raise ValueError("; ".join(f"{_said(every, number)}: {problem}" for number, problem in found))

    def transformations(self) -> list[SegmentTransformation]:
        """All of them, in the order of the file; raises ChangeRefused."""
        return read_transformations(self.json if self.file is None else str(self.file))


class Segment(Transformation[SegmentSettings, AnyEvent]):
    """Do what transformations of Segment's Public API say, as they are.

    Which source and destination each names there is not looked at: `sources` or `destinations` say it here.
    """

    kind = "segment"
    is_bounded = True
    sample = """\
sources = ["website"]
settings.json = '''[{"if": "event = 'Order'", "newEventName": "Order Paid"}]'''
"""

    def __init__(self, settings: SegmentSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        self._transform = compile_group(settings.transformations())

    @classmethod
    def profile_paths(cls, settings: Settings) -> Iterable[tuple[str, ...]]:
        """What conditions and derived properties look at."""
        assert isinstance(settings, SegmentSettings)
        return list(profile_paths_of(settings.transformations()))

    def transform(self, event: AnyEvent) -> AnyEvent | Dropped:
        """The event as all that fit it leave it."""
        made = self._transform(event)
        return Dropped(made) if isinstance(made, str) else made


def _said(every: list[SegmentTransformation], number: int) -> str:
    return every[number].name or every[number].id or f"transformation {number + 1}"


@hookimpl
def register_transformations() -> list[type[Transformation[Any, Any]]]:
    """Register the transformation."""
    return [Segment]
