"""Which path leads where."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import parse_qsl, unquote

from aiohttp import web
from msgspec import Struct

from router.api.browser import MISSING, AnalyticsJs, etag
from router.api.cors import answer_headers, preflight_headers
from router.api.health import Check
from router.api.http import HttpServer, Plain, Routes, answer, read_body, refusal
from router.api.pixel import GIF, HEADERS, pixel_body
from router.api.proxies import Proxies
from router.api.settings import public_host, settings_json
from router.api.tracking import OK, TrackingDoor, TrackingRequest
from router.errors import RequestRefused
from router.events.source import Source
from router.rules.request import BATCH_DOORS, Limits
from router.storage.entry import Door

FIVE_MINUTES = "public, max-age=300"
FOR_EVER = "public, max-age=31536000, immutable"
SCRIPT_TYPE = "application/javascript; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PIXEL_QUERY_BYTES = 8 << 10


class Surroundings(Struct):
    """What the doors need of the router."""

    sources: Mapping[str, Source]
    """By write key."""
    destinations: Sequence[str]
    """Names that a source with `list_destinations` shows to its clients."""
    limits: Limits
    public_url: str | None
    proxies: Proxies
    analytics_js: AnalyticsJs
    health: Check
    ready: Check
    metrics: Callable[[], Awaitable[bytes]]


class Doors:
    """Every path that the router serves."""

    def __init__(self, tracking: TrackingDoor, around: Surroundings, *, request_seconds: float) -> None:
        self._tracking = tracking
        self._around = around
        self.routes = Routes()
        self.server = HttpServer(self.routes, request_seconds=request_seconds)
        for door in Door:
            if door is Door.EMBEDDED:
                continue
            if door.value.startswith("pixel/"):
                for method in ("GET", "HEAD"):
                    self.routes.add(method, f"/v1/{door.value}", self._pixel(door))
            else:
                self.routes.add("POST", f"/v1/{door.value}", self._track(door))
        self.routes.add("POST", "/v1/m", self._success)
        self.routes.add("POST", "/v1/attribution", self._attribution)
        self.routes.add("OPTIONS", "*", self._preflight)
        for method in ("GET", "HEAD"):
            self.routes.add(method, "/v1/projects/*", self._settings)
            self.routes.add(method, "/projects/*", self._settings)
            self.routes.add(method, "/analytics.js/v1/*", self._script)
            self.routes.add(method, "/analytics-next/bundles/*", self._chunk)
            self.routes.add(method, "/health", self._status(around.health))
            self.routes.add(method, "/ready", self._status(around.ready))
            self.routes.add(method, "/metrics", self._metrics)

    # --- calls ----------------------------------------------------------------------------------------

    def _track(self, door: Door) -> Callable[[web.BaseRequest], Awaitable[Plain]]:
        limits = self._around.limits
        limit = limits.batch_bytes if door in BATCH_DOORS else 4 * limits.event_bytes

        async def handle(request: web.BaseRequest) -> Plain:
            try:
                body = await read_body(request, limit)
            except RequestRefused as refused:
                return refusal(request, refused, closes=True)
            headers = request.headers
            peer = request.transport.get_extra_info("peername") if request.transport else None
            found = await self._tracking.handle(
                TrackingRequest(
                    door,
                    body,
                    headers.get("Authorization", ""),
                    dict(parse_qsl(request.query_string)).get("writeKey", "") if request.query_string else "",
                    headers.get("Content-Encoding", "").strip().lower(),
                    peer[0] if peer else "",
                    headers.get("X-Forwarded-For", ""),
                    headers.get("User-Agent", ""),
                )
            )
            return answer(request, found)

        return handle

    def _pixel(self, door: Door) -> Callable[[web.BaseRequest], Awaitable[Plain]]:
        async def handle(request: web.BaseRequest) -> Plain:
            query = request.raw_path.partition("?")[2]
            pairs = parse_qsl(query, keep_blank_values=True) if len(query) <= PIXEL_QUERY_BYTES else []
            body = pixel_body(pairs)
            if body is not None:
                peer = request.transport.get_extra_info("peername") if request.transport else None
                await self._tracking.handle(
                    TrackingRequest(
                        door,
                        body,
                        query_key=dict(pairs).get("writeKey", ""),
                        peer=peer[0] if peer else "",
                        forwarded_for=request.headers.get("X-Forwarded-For", ""),
                        user_agent=request.headers.get("User-Agent", ""),
                    )
                )
            headers = {**HEADERS, **answer_headers(request.headers.get("Origin"))}
            content_type = headers.pop("Content-Type")
            return Plain(200, GIF, content_type=content_type, headers=headers)

        return handle

    async def _success(self, request: web.BaseRequest) -> Plain:
        """Metrics of SDKs about themselves: taken, and not kept."""
        await read_body(request, self._around.limits.batch_bytes)
        return answer(request, OK)

    async def _attribution(self, request: web.BaseRequest) -> Plain:
        await read_body(request, self._around.limits.batch_bytes)
        return Plain(200, b"{}", headers=answer_headers(request.headers.get("Origin")))

    async def _preflight(self, request: web.BaseRequest) -> Plain:
        return Plain(204, headers=preflight_headers(request.headers))

    # --- what clients fetch ---------------------------------------------------------------------------

    async def _settings(self, request: web.BaseRequest) -> Plain:
        around = self._around
        key, _, rest = _tail(request, "/projects/").partition("/")
        source = around.sources.get(unquote(key))
        if rest.rstrip("/") != "settings" or source is None or not source.enabled:
            return self._missing(request, "no source has this write key, or it is switched off\n")
        peer = request.transport.get_extra_info("peername") if request.transport else None
        is_proxied = around.proxies.is_trusted(peer[0] if peer else "")
        protocol, host = public_host(around.public_url, request.headers, is_proxied=is_proxied)
        names = around.destinations if source.list_destinations else ()
        body = settings_json(source, api_host=f"{host}/v1", protocol=protocol, destinations=names)
        return self._cached(request, body, "application/json; charset=utf-8", FIVE_MINUTES)

    async def _script(self, request: web.BaseRequest) -> Plain:
        key, _, rest = _tail(request, "/analytics.js/v1/").partition("/")
        name = rest.removeprefix("platform/")
        source = self._around.sources.get(unquote(key))
        if source is None or not (name.startswith("analytics") and name.endswith(".js")):
            return self._missing(request, "no source has this write key\n")
        script = self._around.analytics_js.script(source.write_key)
        if script is None:
            return self._missing(request, MISSING)
        return self._cached(request, script, SCRIPT_TYPE, FIVE_MINUTES)

    async def _chunk(self, request: web.BaseRequest) -> Plain:
        around = self._around
        chunk = around.analytics_js.chunk(_tail(request, "/analytics-next/bundles/"))
        if chunk is None:
            missing = "there is no such chunk\n" if around.analytics_js.is_built_in else MISSING
            return self._missing(request, missing)
        return self._cached(request, chunk, SCRIPT_TYPE, FOR_EVER)

    def _cached(self, request: web.BaseRequest, body: bytes, content_type: str, control: str) -> Plain:
        tag = etag(body)
        headers = {**_readable(request), "Cache-Control": control, "ETag": tag}
        if tag in request.headers.get("If-None-Match", ""):
            return Plain(304, headers=headers)
        return Plain(200, body, content_type=content_type, headers=headers)

    def _missing(self, request: web.BaseRequest, text: str) -> Plain:
        return Plain(404, text.encode(), content_type=TEXT_TYPE, headers=_readable(request))

    # --- for the operator -----------------------------------------------------------------------------

    def _status(self, check: Check) -> Callable[[web.BaseRequest], Awaitable[Plain]]:
        async def handle(request: web.BaseRequest) -> Plain:
            health = await check()
            return Plain(health.status, health.json(), headers=answer_headers(request.headers.get("Origin")))

        return handle

    async def _metrics(self, request: web.BaseRequest) -> Plain:
        return Plain(200, await self._around.metrics(), content_type=METRICS_TYPE)


def _tail(request: web.BaseRequest, marker: str) -> str:
    return request.raw_path.partition("?")[0].partition(marker)[2]


def _readable(request: web.BaseRequest) -> dict[str, str]:
    """A page may read the answer, also a 404, from any origin."""
    origin = request.headers.get("Origin")
    return {"Access-Control-Allow-Origin": origin or "*", **({"Vary": "Origin"} if origin else {})}
