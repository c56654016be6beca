"""The contract of a destination: what an author writes, and nothing else.

Write either `requests`, a pure generator of HTTP requests, or `deliver`, for what speaks something else.
The engine batches, paces, retries, classifies and records; a destination has no loop, no sleep and no session.
"""

from collections.abc import Generator, Hashable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from router.events.calls import AnyEvent
from router.plugins.auth import Auth
from router.plugins.outcome import Outcome
from router.plugins.parameters import events_of, settings_of
from router.plugins.policies import Batching, Concurrency, Ordering, Policies, Rate, Retry
from router.plugins.request import Answer, Request
from router.plugins.settings import Settings
from router.rules.addressee import Category, title
from router.rules.integrations import options

SettingsT = TypeVar("SettingsT", bound=Settings)
EventT = TypeVar("EventT", bound=AnyEvent)

Requests = Generator[Request, Answer, Sequence[Outcome] | None]
"""What `requests` may be: a generator that yields requests, is sent answers, and may end with outcomes."""


class Destination(Generic[SettingsT, EventT]):
    """A service that takes events. Subclass as `class Name(Destination[NameSettings, Track | Identify])`.

    The first parameter is the settings struct, the second the event types it handles; others are filtered with
    `UNSUPPORTED_EVENT_TYPE` before they reach it.
    """

    kind: ClassVar[str]
    """The word in `kind = "…"`; a service's name, lower case."""
    display_name: ClassVar[str] = ""
    """What events call it in their integrations object, and people; by default its kind with capitals."""
    other_names: ClassVar[tuple[str, ...]] = ()
    """Further names by which events may call it."""
    category: ClassVar[Category] = "cloud"
    """"cloud" for a service. A "warehouse" keeps tables and a "raw" store events as they are: both get events without
    consent, a warehouse has a switch of its own in the integrations object, and a raw store does not heed that."""
    default_enabled: ClassVar[bool] = True
    """Whether it gets events that do not name it; otherwise only those that do."""
    sample: ClassVar[str] = ""
    """A working configuration of it as TOML, without the section header."""
    sample_secrets: ClassVar[Mapping[str, str]] = {}
    """By setting, a made-up value for tests in the place of a reference in `sample`, where not any text will do."""
    sample_answer: ClassVar[Any] = {}
    """What the service answers when all is well, as JSON; the conformance suite plays the service with it."""
    idempotency: ClassVar[str] = "message_id"
    """That the service is told each event's message id; otherwise "none: " and the reason why it is not."""
    batching: Batching = Batching()
    """Declared on the class; on an instance, what holds after `router.toml` had its say. So are the next four."""
    rate: Rate | None = None
    concurrency: Concurrency = Concurrency()
    retry: Retry = Retry()
    ordering: Ordering = "per_user"
    idempotency_header: ClassVar[str | None] = None
    """The header, e.g. "Idempotency-Key", in which the service takes a key that is the same when a request is sent
    again. The engine fills it in, from message ids and step, where a request that changes something has none."""

    _called: tuple[str, ...] = ()

    def __init__(self, settings: SettingsT, *, name: str) -> None:
        self.settings = settings
        self.name = name

    def options(self, event: EventT) -> Mapping[str, Any]:
        """What the sender has to say to this destination: the object under its name in `integrations`, or {}."""
        return options(event, self._called or self.integration_names())

    def answer_to(self, names: tuple[str, ...]) -> None:
        """Take over what events call this instance: with `integration` in `router.toml` not what the class says."""
        self._called = names

    @classmethod
    def integration_names(cls) -> tuple[str, ...]:
        """What the class says that events call it, the display name first."""
        return cls.display_name or title(cls.kind), *cls.other_names

    @classmethod
    def policies(cls) -> Policies:
        """What the class declares about how it is fed."""
        return Policies(
            batching=cls.batching,
            rate=cls.rate,
            concurrency=cls.concurrency,
            retry=cls.retry,
            ordering=cls.ordering,
        )

    def feed_by(self, policies: Policies) -> None:
        """Take over the policies that hold for this instance; the engine calls it before `open`."""
        self.batching = policies.batching
        self.rate = policies.rate
        self.concurrency = policies.concurrency
        self.retry = policies.retry
        self.ordering = policies.ordering

    async def open(self) -> None:
        """Get ready; called before the first batch and again after `close`. Import a heavy SDK here."""

    async def close(self) -> None:
        """Release everything."""

    async def check(self) -> None:
        """Raise when the settings cannot work; used by `router doctor`."""

    def auth(self) -> Auth | None:
        """How requests are signed, e.g. `BearerAuth(token=self.settings.token)`; `auth` in `router.toml` wins."""
        return None

    def group_by(self, event: EventT) -> Hashable:
        """What must be alike in a batch, e.g. the account that `event` goes to; by default nothing."""
        return None

    def wants(self, event: EventT) -> bool:
        """Whether its own triggers take `event`; otherwise it is filtered with `NO_MATCHING_MAPPING`. All by default.

        It is asked for every event, before batches are formed, so it must be quick.
        """
        return True

    def requests(self, events: Sequence[EventT]) -> Requests | Sequence[Request]:
        """Describe what to send for `events`: yield or return requests; no I/O here.

        `answer = yield request` gives the answer of an earlier step. A request settles the events that its `settles`
        names, or all of the batch. A generator may return one Outcome for each event: the worse word counts.
        """
        raise NotImplementedError

    async def deliver(self, events: Sequence[EventT]) -> Sequence[Outcome] | None:
        """Send `events` by other means than HTTP; return None when all are delivered, or one Outcome for each.

        Raise RetryLater, Snooze, Unauthorized or Rejected; anything else raised means "try again".
        """
        raise NotImplementedError

    @classmethod
    def profile_paths(cls, settings: Settings) -> Iterable[tuple[str, ...]]:
        """What it reads of `event.profile` with these settings, e.g. `[("traits", "plan")]`; nothing by default.

        Those traits are kept with each event; others are absent, unless another rule or `[identity] snapshot` names
        them.
        """
        return ()

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings struct named in the class statement."""
        return settings_of(cls, Destination)

    @classmethod
    def event_types(cls) -> tuple[type[Any], ...]:
        """The event classes named in the class statement."""
        return events_of(cls, Destination)

    @classmethod
    def speaks_http(cls) -> bool:
        """Whether it describes requests; otherwise it delivers by itself."""
        return cls.requests is not Destination.requests

    @classmethod
    def groups(cls) -> bool:
        """Whether something must be alike in its batches."""
        return cls.group_by is not Destination.group_by

    @classmethod
    def chooses(cls) -> bool:
        """Whether it has triggers of its own."""
        return cls.wants is not Destination.wants
