"""The doors inside an aiohttp application of somebody else: its port, its middlewares, our answers.

    router = Router(load("router.toml"))
    router.mount(app, "/events")        # SDKs then use https://example.com/events as their host

An aiohttp request becomes an HttpRequest and the answer an aiohttp response; everything between is the doors' own.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from aiohttp import hdrs, web
from multidict import CIMultiDict

from router.api.cors import origin_headers
from router.api.exchange import HttpAnswer, HttpRequest, failure
from router.api.routes import Routes

_PIECE = 64 << 10


def mount(
    app: web.Application,
    prefix: str,
    *,
    routes: Callable[[], Routes],
    body_limit: Callable[[], int],
    life: AbstractAsyncContextManager[object],
) -> None:
    """Serve `routes` below `prefix` of `app`, and enter `life` for as long as the application runs."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            body = await _body(request, body_limit())
        except web.RequestPayloadError as error:  # cut off, or not packed as it says
            return await _response(request, failure(400, "invalid_json", f"the body cannot be read: {error}"))
        if body is None:
            message = f"Exceed payload limit: the body is over {body_limit()} bytes"
            return await _response(request, failure(400, "payload_too_large", message))
        asked = _asked(request, prefix, body)
        handler = routes().find(asked.method, asked.path)
        return await _response(request, await handler(asked))

    async def live(app: web.Application) -> AsyncIterator[None]:
        async with life:
            yield

    app.router.add_route("*", prefix + "/{tail:.*}", answer)
    app.cleanup_ctx.append(live)


def _asked(request: web.Request, prefix: str, body: bytes) -> HttpRequest:
    path, _, query = request.raw_path.partition("#")[0].partition("?")
    if not path.startswith(prefix):  # a whole URL, as for a proxy, or characters that are encoded otherwise
        path, query = request.rel_url.raw_path, request.rel_url.raw_query_string
    path = path.removeprefix(prefix)
    if path[-1:] == "/" and len(path) > 1:
        path = path[:-1]
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return HttpRequest(
        method=request.method,
        path=path,
        query=query,
        headers=_headers(request, body),
        body=body,
        peer=peer[0] if isinstance(peer, tuple) else "",
    )


def _headers(request: web.Request, body: bytes) -> Mapping[str, str]:
    """The headers; aiohttp inflates bodies, unless it was told not to, and leaves the header as it was."""
    coding = request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
    if coding and body.lstrip()[:1] in (b"{", b"["):
        plain = request.headers.copy()
        del plain[hdrs.CONTENT_ENCODING]
        return plain
    return request.headers


async def _body(request: web.Request, limit: int) -> bytes | None:
    """The whole body, or None when it is too long."""
    if request.content_length is not None and request.content_length > limit:
        return None
    pieces = []
    size = 0
    while piece := await request.content.read(_PIECE):
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def _response(request: web.Request, answer: HttpAnswer) -> web.StreamResponse:
    headers = CIMultiDict(answer.headers)
    if answer.content_type:
        headers[hdrs.CONTENT_TYPE] = answer.content_type
    if answer.is_public:
        headers.extend(origin_headers(request.headers.get(hdrs.ORIGIN)))
    if answer.parts is None:
        return web.Response(status=answer.status, body=answer.body or None, headers=headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    async for part in answer.parts:
        await response.write(part)
    return response
