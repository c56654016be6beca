"""The HTTP client of all destinations: one session, connections kept and reused, no cookies, no surprises.

Only a 307 is followed, because only it repeats the same request elsewhere. Of an answer the first 64 KiB are kept; a
longer one costs its connection. The caller sets the time limit; cancelling `send` closes the connection.
"""

import asyncio
import io
import ssl
from functools import lru_cache

import aiohttp
from isal import igzip
from yarl import URL

from router.delivery.classify import NetworkError, UnusableRequest, os_code
from router.delivery.sending.outgoing import Outgoing
from router.plugins.request import Answer

ANSWER_BYTES = 64 * 1024
REDIRECTS = 5
THREAD_BYTES = 1 << 20
"""From this size on a body is compressed on a thread, and handed to the socket in pieces."""
KEEP_ALIVE_SECONDS = 4.0
"""Shorter than the usual five seconds of servers: a connection closed just as it is used again fails the send."""
USER_AGENT = "Pointsman"
_PRIVATE_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})

_url = lru_cache(maxsize=512)(URL)


class HttpClient:
    """Sends requests for every destination of a router."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Outgoing) -> Answer:
        """Send `request` and return its answer, whatever the status.

        Raises NetworkError without an answer, and UnusableRequest when it cannot even be sent.
        """
        if request.compress:
            await compress(request)
        url, headers, body = request.url, request.headers, request.body
        for _ in range(REDIRECTS + 1):
            answer = await self._exchange(request.method, url, headers, body)
            location = answer.headers.get("location")
            if answer.status != 307 or not location:
                break
            target = _parsed(url).join(_parsed(location))
            if target.origin() != _parsed(url).origin():
                private = _PRIVATE_HEADERS | request.private
                headers = {name: value for name, value in headers.items() if name.lower() not in private}
            url = str(target)
        return answer

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def _exchange(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        session = self._session or self._open()
        data = io.BytesIO(body) if len(body) > THREAD_BYTES else body or None
        try:
            async with session.request(
                method, _parsed(url), headers=headers, data=data, allow_redirects=False
            ) as response:
                content = await _read(response)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, found, content)
        except (ssl.SSLError, aiohttp.ClientSSLError) as error:
            # comes first, because a certificate error is a ValueError too
            raise NetworkError("ECONNABORTED", f"TLS: {error}") from error
        except ValueError as error:  # a URL, a header or a method that HTTP cannot carry
            raise UnusableRequest(str(error)) from error
        except aiohttp.ClientConnectorDNSError as error:
            code = os_code(error.os_error)
            raise NetworkError("EAI_AGAIN" if code == "EAI_AGAIN" else "ENOTFOUND", str(error)) from error
        except OSError as error:
            raise NetworkError(os_code(error), str(error)) from error
        except aiohttp.ClientError as error:  # cut short, or not HTTP
            raise NetworkError("ECONNRESET", f"{type(error).__name__}: {error}") from error

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": USER_AGENT},
        )
        return self._session


def _parsed(url: str) -> URL:
    try:
        return _url(url)
    except ValueError as error:
        raise UnusableRequest(f"{error}") from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body up to the limit; the connection of a longer one is closed with it."""
    pieces = []
    left = ANSWER_BYTES
    while left > 0 and (piece := await response.content.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if not response.content.at_eof():
        response.close()
    return b"".join(pieces)


async def compress(request: Outgoing) -> None:
    """Compress the body of a request that is to be and is not yet compressed; a large one on a thread."""
    request.compress = False
    if not request.body:
        return
    request.headers["Content-Encoding"] = "gzip"
    if len(request.body) < THREAD_BYTES:
        request.body = igzip.compress(request.body, compresslevel=1, mtime=0)
    else:
        request.body = await asyncio.to_thread(igzip.compress, request.body, compresslevel=1, mtime=0)
