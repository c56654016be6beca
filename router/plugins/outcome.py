"""What an author says of each event of a batch, where the service answers for every event by itself."""

from msgspec import Struct


class Outcome(Struct, frozen=True):
    """One event's end, or the wish to try it again."""

    verdict: str
    reason: str = ""
    after: float | None = None
    detail: str = ""
    """What a dead letter says beside the reason."""

    @classmethod
    def delivered(cls) -> "Outcome":
        """The service has the event."""
        return cls("delivered")

    @classmethod
    def rejected(cls, reason: str) -> "Outcome":
        """The service refuses this event for good."""
        return cls("rejected", reason)

    @classmethod
    def retry(cls, reason: str, after: float | None = None) -> "Outcome":
        """The service could not take this event now; try again, not before `after` seconds."""
        return cls("retry", reason, after)
