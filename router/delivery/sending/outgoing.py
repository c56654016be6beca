"""A request as it leaves: the body encoded, every secret revealed, signatures added. It is never shown or kept."""

from msgspec import Struct

from router.plugins.request import Request, revealed
from router.plugins.settings import Secret


class Outgoing(Struct):
    """What the HTTP client sends."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""
    compress: bool = False
    private: set[str] = set()
    """Headers, in lower case, that no other host may get when the answer is a redirect."""

    def has(self, header: str) -> bool:
        """Whether a header is there, in whatever case."""
        wanted = header.lower()
        return any(name.lower() == wanted for name in self.headers)

    def add_private(self, header: str, value: str) -> None:
        """Set a header that is meant for this host only."""
        for other in [name for name in self.headers if name.lower() == header.lower()]:
            del self.headers[other]
        self.headers[header] = value
        self.private.add(header.lower())


def outgoing(request: Request) -> Outgoing:
    """`request`, ready to be signed and sent."""
    ready = Outgoing(request.method, revealed(request.url), {}, request.encoded(), request.compress)
    headers = ready.headers
    for name, value in request.headers.items():
        if isinstance(value, Secret):
            ready.add_private(name, value.reveal())
        else:
            headers[name] = value
    return ready
