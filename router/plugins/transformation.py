"""The contract of a transformation: what an author writes to change or drop events, and nothing else.

It runs for every event of its sources before the event is kept, or of its destinations before it is sent. So it is
quick, waits for nothing, and knows nothing but the event and its settings.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.plugins.outcome import Outcome
from router.plugins.parameters import events_of, settings_of
from router.plugins.request import Answer, Request
from router.plugins.settings import Settings

SettingsT = TypeVar("SettingsT", bound=Settings)
EventT = TypeVar("EventT", bound=AnyEvent)


Asking = Generator[Request, Answer, Sequence[AnyEvent | Dropped | Outcome]]
"""What `asking` is: a generator that yields requests, is sent answers, and ends with a word for each event."""


class Transformation(Generic[SettingsT, EventT]):
    """Changes or drops events. Subclass as `class Name(Transformation[NameSettings, Track | Identify])`.

    The first parameter is the settings struct, the second the event types it handles; others pass as they are.
    """

    kind: ClassVar[str]
    """The word in `kind = "…"`; what it does, in lower case."""
    sample: ClassVar[str] = ""
    """A working configuration of it as TOML, without the section header."""
    reason: ClassVar[str] = "filtered_by_transformation"
    """What events that it drops are counted under; a word of lower case letters, digits and underscores."""
    is_bounded: ClassVar[bool] = False
    """Whether it ends by itself in good time whatever the event holds; then nobody watches over each call."""
    is_insert_function: ClassVar[bool] = False
    """Whether, for a destination, it runs behind the triggers: they then look at the event as it was before."""

    def __init__(self, settings: SettingsT, *, name: str) -> None:
        self.settings = settings
        self.name = name

    def transform(self, event: EventT) -> AnyEvent | Dropped | None:
        """Return `event`, or a changed copy (`event.replace(properties={…})`), or None to drop it.

        `Dropped("reason")` drops it under another reason than the class's. Message id and type stay as they are.
        What is raised costs this event only: it becomes a dead letter.
        """
        raise NotImplementedError

    def transform_all(self, events: Sequence[EventT]) -> Sequence[AnyEvent | Dropped | Exception | None]:
        """The same for many events, where that is cheaper; what would be raised for one stands in its place.

        Most have no use for it. Events on their way to a destination come this way, those of a source one by one.
        """
        raise NotImplementedError

    def asks(self) -> bool:
        """Whether it cannot say what becomes of an event without answers of others, or may want to be tried again.

        Only what stands behind a destination's triggers may: `asking` then runs when a batch is sent.
        """
        return False

    def asks_together(self) -> bool:
        """Whether `asking` wants all events of a batch at once; by default it gets one."""
        return False

    def asking(self, events: Sequence[EventT]) -> Asking:
        """What `transform_all` does, for one that asks: yield requests, take answers, end with a word for each event.

        The engine sends as it does for a destination, without that one's credentials. An Outcome in the place of an
        event rejects it, or has it tried again.
        """
        raise NotImplementedError

    @classmethod
    def profile_paths(cls, settings: Settings) -> Iterable[tuple[str, ...]]:
        """What it reads of `event.profile` with these settings, e.g. `[("traits", "plan")]`; nothing by default.

        Those traits are kept with each event; others are absent, unless another rule or `[identity] snapshot` names
        them. Before an event is kept nobody knows yet whose it is: what names a path here is for destinations only.
        """
        return ()

    @classmethod
    def takes_many(cls) -> bool:
        """Whether it has a way of its own for many events."""
        return cls.transform_all is not Transformation.transform_all

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings struct named in the class statement."""
        return settings_of(cls, Transformation)

    @classmethod
    def event_types(cls) -> tuple[type[Any], ...]:
        """The event classes named in the class statement."""
        return events_of(cls, Transformation)
