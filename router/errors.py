"""Every error the router raises on purpose; each means one thing and names one remedy.

RouterError
├── ConfigError            the configuration cannot be used; every problem is listed
├── StorageError           the store cannot do what was asked
│   ├── StoreLocked        another process (or another router in this one) owns the file
│   ├── StoreTooNew        a newer version wrote the file
│   ├── StoreFull          a budget or the disk is spent; nothing was written
│   ├── StoreUnavailable   the disk answered with an error; nothing was written
│   └── CursorDamaged      the file with the place of a source plugin cannot be read
├── PluginError            a plugin cannot be loaded, or broke its contract
├── ExpressionRefused, MappingRefused, LiquidRefused, PlanRefused
│                          a text in a rule language, or a tracking plan, cannot be used; each stands in `rules/`
├── ProfileRefused         a profile cannot be changed as somebody asked; nothing changed
├── ActorFailed            an actor crashed too often; the router stops with this reason
├── RequestRefused         a request is answered with an error and nothing of it is kept
└── DeliveryError          what an author raises to say what became of a send, or of a vendor's request
    ├── RetryLater         try again; the service is not well
    ├── Snooze             try again after the given time, and count no attempt
    ├── Unauthorized       the credentials are not accepted
    └── Rejected           never send this event again; the service refuses it
"""

from collections.abc import Sequence


class RouterError(Exception):
    """Root of every error that the router raises on purpose."""


class ConfigError(RouterError):
    """The configuration cannot be used; `problems` holds one line for each thing to mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StorageError(RouterError):
    """The store cannot do what was asked."""


class StoreLocked(StorageError):
    """Another process, or another router in this process, owns the store."""


class StoreTooNew(StorageError):
    """A newer version of the router wrote the store."""


class StoreFull(StorageError):
    """A budget or the disk is spent; what was asked to be written was not written."""


class StoreUnavailable(StorageError):
    """The disk answered with an error; what was asked to be written was not written."""


class CursorDamaged(StorageError):
    """The file with the place of a source plugin cannot be read; the source waits until it is mended."""


class PluginError(RouterError):
    """A plugin cannot be loaded, or broke its contract; the message names the plugin."""


class ProfileRefused(RouterError):
    """A profile cannot be changed as somebody asked; the message says why, and nothing changed."""


class ActorFailed(RouterError):
    """An actor crashed more often than the supervisor allows."""


class RequestRefused(RouterError):
    """A request is answered with `status` and `{"success":false,"code","message"}`; nothing of it is kept."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


class DeliveryError(RouterError):
    """What an author raises to say what became of a send, or of a vendor's request; the operator sees `reason`."""

    def __init__(self, reason: str, *, after: float | None = None, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        """Seconds to wait at least before the next attempt, or None for the engine's own back-off."""
        self.detail = detail
        """What a dead letter says beside the reason."""


class RetryLater(DeliveryError):
    """Try the same events again; the service is not well."""


class Snooze(DeliveryError):
    """Try again after `after` seconds, without counting an attempt."""


class Unauthorized(DeliveryError):
    """The service does not accept the credentials; the destination pauses and the operator is told."""


class Rejected(DeliveryError):
    """The service refuses these events for good; a batch is bisected until the refused event is alone."""
