"""An entry of the inbox: one accepted request, holding all that later stages may ask about it."""

from enum import StrEnum

from msgspec import Struct


class Door(StrEnum):
    """The way a request came in; it decides how its body is read and whether it is a client's own call."""

    BATCH = "batch"
    SHORT_BATCH = "b"
    IMPORT = "import"
    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"
    SHORT_TRACK = "t"
    SHORT_IDENTIFY = "i"
    SHORT_PAGE = "p"
    SHORT_SCREEN = "s"
    SHORT_GROUP = "g"
    SHORT_ALIAS = "a"
    PIXEL_TRACK = "pixel/track"
    PIXEL_IDENTIFY = "pixel/identify"
    PIXEL_PAGE = "pixel/page"
    PIXEL_SCREEN = "pixel/screen"
    PIXEL_GROUP = "pixel/group"
    PIXEL_ALIAS = "pixel/alias"
    EMBEDDED = "embedded"
    """A call of the embedding program; its body has the form of a batch."""
    RETURNED = "returned"
    """An event that comes back from a function that asks others; its body is a `Returned`. No client comes this way."""


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """One accepted request. `body` holds its accepted members only, so reading it back never judges again."""

    source: str
    door: Door
    received_at: int
    """Milliseconds since the epoch; the inbox never goes back."""
    events: int
    """How many events `body` holds; each has a position of its own."""
    body: bytes
    """The body as received and inflated; without the refused members where there were any."""
    peer: str = ""
    """Address of the socket's other end."""
    client_ip: str = ""
    """Address of the client behind trusted proxies; empty when it is not to be collected."""
    user_agent: str = ""
    encoding: str = ""
    refused: tuple[int, ...] = ()
    """Indexes of the members that were refused, in the request as it was sent."""
    position: int = 0
    """Number of its first event in the inbox; given by `Storage.append`."""
