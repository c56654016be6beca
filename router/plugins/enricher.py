"""The contract of an enricher: what an author writes to add what the router knows to the context of events.

It says what follows from a few members of `context`, and nothing else: the engine asks it once for each different
value and remembers the answer, adds only what the sender left out, and never changes what is there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from router.plugins.parameters import settings_of
from router.plugins.settings import Settings

SettingsT = TypeVar("SettingsT", bound=Settings)

SENDERS_ALONE = frozenset(
    (
        *("active", "amp", "app", "channel", "consent", "direct", "groupId", "instanceId", "ip", "library"),
        *("locale", "network", "page", "protocols", "screen", "timezone", "traits"),
        *("userAgent", "userAgentData"),
    )
)
"""Members of `context` whose absence means something, or that another part of the router writes; none is added."""


class Enricher(Generic[SettingsT]):
    """Adds members to `context`. Subclass as `class Name(Enricher[NameSettings])`."""

    kind: ClassVar[str]
    """The word in `enrich = ["…"]` and in `[enrichments.…]`; what it adds, in lower case."""
    reads: ClassVar[tuple[str, ...]]
    """The members of `context` that it is given, e.g. `("ip",)`. Where an event has none it is not asked."""
    adds: ClassVar[tuple[str, ...]]
    """The members of `context` that it may add, e.g. `("location",)`. Where an event has all it is not asked."""
    sample: ClassVar[str] = ""
    """Working settings as TOML, where it needs any."""

    def __init__(self, settings: SettingsT) -> None:
        """Open what it needs, e.g. a database; what is raised here refuses the configuration, with its text."""
        self.settings = settings

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what to add to `context`, by member, for an event whose context has `given`; {} for nothing.

        The same `given` has the same answer. Its values come from strangers, so they may be of any type. What is
        raised is counted, and costs the event this addition and nothing else.
        """
        raise NotImplementedError

    @property
    def files(self) -> Sequence[str]:
        """Files that it was made of. When one changes, a new instance takes its place; where that fails, it stays."""
        return ()

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings struct named in the class statement."""
        return settings_of(cls, Enricher)
