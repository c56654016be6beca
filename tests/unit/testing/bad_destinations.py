"""A good destination, and for each promise one that breaks it and no other."""

import logging
import uuid
from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from router import (
    Batching,
    Destination,
    Identify,
    Outcome,
    Request,
    Requests,
    Secret,
    Settings,
    Track,
)


class GoodSettings(Settings, frozen=True):
    """Where to send."""

    url: str
    """The address; there is no default."""
    token: Secret
    """The key; there is no default."""


class Good(Destination[GoodSettings, Track | Identify]):
    """Post events. track: the name is posted. identify: the user is posted."""

    kind = "good"
    sample = 'settings.url = "https://good.example.com/v1"\nsettings.token = "env:GOOD_TOKEN"'
    batching = Batching(max_events=10)

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        """One request for a batch."""
        yield self.request([self.row(event) for event in events])

    def row(self, event: Track | Identify) -> dict[str, Any]:
        """What is sent of an event."""
        return {"id": event.message_id, "user": event.user_id, "name": getattr(event, "event", None)}

    def request(self, rows: list[dict[str, Any]], **options: Any) -> Request:
        """The request of a batch."""
        return Request.post(self.settings.url, json=rows, headers=self.headers(), **options)

    def headers(self) -> dict[str, Any]:
        """The credentials."""
        return {"Authorization": f"Bearer {self.settings.token.reveal()}"}


class NoSample(Good):
    """track: posted. identify: posted."""

    kind = "loads_its_sample"
    sample = 'settings.adress = "https://example.com"'


class SilentSettings(Settings, frozen=True):
    """Settings of which one is not explained."""

    url: str
    """The address; there is no default."""
    token: Secret


class SilentAboutSettings(Good, Destination[SilentSettings, Track | Identify]):  # type: ignore[misc]
    """track: posted. identify: posted."""

    kind = "explains_its_settings"

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings of this class."""
        return SilentSettings


class SilentAboutEvents(Good):
    """Post events. track: posted."""

    kind = "explains_its_events"


class Talkative(Good):
    """track: posted. identify: posted."""

    kind = "hides_its_secrets"

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        """Say too much."""
        logging.getLogger("talkative").info("using %s", self.settings.token.reveal())
        yield from super().requests(events)


class PasswordInHeader(Good):
    """track: posted. identify: posted."""

    kind = "hides_its_secrets_in_headers"

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        """Encode the secret where nobody looks for it."""
        packed = b64encode(f"user:{self.settings.token.reveal()}".encode()).decode()
        rows = [self.row(event) for event in events]
        yield Request.post(self.settings.url, json=rows, headers={"X-Auth": packed})


class BareSettings(Settings, frozen=True):
    """Settings whose secret is none."""

    url: str
    """The address; there is no default."""
    token: str
    """The key; there is no default."""


class Bare(Good):
    """track: posted. identify: posted."""

    kind = "hides_its_secrets_as_text"

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings of this class."""
        return BareSettings

    def request(self, rows: list[dict[str, Any]], **options: Any) -> Request:
        """Without credentials."""
        return Request.post(self.settings.url, json=rows)


class Meddler(Good):
    """track: posted. identify: posted."""

    kind = "alters_no_event"

    def row(self, event: Track | Identify) -> dict[str, Any]:
        """Take something out of the event."""
        event.context.pop("page", None)
        return super().row(event)


class Fragile(Good):
    """track: posted. identify: posted."""

    kind = "survives_hostile_events"

    def row(self, event: Track | Identify) -> dict[str, Any]:
        """Trust strangers."""
        row = super().row(event)
        return {**row, "upper": event.user_id.upper()}  # type: ignore[union-attr]


class HeaderSplitter(Good):
    """track: posted. identify: posted."""

    kind = "survives_hostile_events_in_headers"
    batching = Batching(max_events=1)

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        """Put a stranger's text into a header."""
        for event in events:
            headers = {**self.headers(), "X-User": event.user_id or ""}
            yield Request.post(self.settings.url, json=[self.row(event)], headers=headers)


class Idle(Good):
    """track: posted. identify: posted."""

    kind = "makes_requests"

    def requests(self, events: Sequence[Track | Identify]) -> Sequence[Request]:  # type: ignore[override]
        """Send nothing."""
        return []


class Moody(Good):
    """track: posted. identify: posted."""

    kind = "says_the_same_twice"

    def row(self, event: Track | Identify) -> dict[str, Any]:
        """Another id each time."""
        return {**super().row(event), "attempt": str(uuid.uuid4())}


class Anonymous(Good):
    """track: posted. identify: posted."""

    kind = "sends_the_message_id"

    def row(self, event: Track | Identify) -> dict[str, Any]:
        """Without the id."""
        return {"user": event.user_id, "name": getattr(event, "event", None)}


class NoReason(Anonymous):
    """track: posted. identify: posted."""

    kind = "sends_the_message_id_without_reason"
    idempotency = "none:"


class Judge(Good):
    """A destination that takes a status as an answer and draws conclusions of its own."""

    statuses: tuple[int, ...] = ()
    says = Outcome.rejected("no")

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        """Judge the answer."""
        answer = yield self.request([self.row(event) for event in events], accepts=self.statuses)
        return [self.says if answer.status in self.statuses else Outcome.delivered()] * len(events)


class GivesUpOnOutage(Judge):
    """track: posted. identify: posted."""

    kind = "survives_an_outage"
    statuses = (503,)


class Impatient(Judge):
    """track: posted. identify: posted."""

    kind = "waits_as_long_as_asked"
    statuses = (429,)
    says = Outcome.retry("429", after=1)


class GivesUpWithoutCredentials(Judge):
    """track: posted. identify: posted."""

    kind = "pauses_without_credentials"
    statuses = (401,)


class BlamesAll(Judge):
    """track: posted. identify: posted."""

    kind = "isolates_a_bad_event"
    statuses = (400,)


class Quoting(Good):
    """A good one that puts the id into the address. track, identify: posted."""

    kind = "quoting"
    batching = Batching(max_events=1)

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        """The id in the address."""
        for event in events:
            yield Request.post(
                f"{self.settings.url}/{quote(event.message_id, safe='')}", json={"u": event.user_id}
            )


GOOD = (Good, Quoting)
BAD = (
    NoSample,
    SilentAboutSettings,
    SilentAboutEvents,
    Talkative,
    PasswordInHeader,
    Bare,
    Meddler,
    Fragile,
    HeaderSplitter,
    Idle,
    Moody,
    Anonymous,
    NoReason,
    GivesUpOnOutage,
    Impatient,
    GivesUpWithoutCredentials,
    BlamesAll,
)
