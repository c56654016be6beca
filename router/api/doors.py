"""Which path leads where."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from urllib.parse import parse_qsl, unquote

from msgspec import Struct

from router.api.browser import MISSING, AnalyticsJs, asset
from router.api.caching import FIVE_MINUTES, FOR_EVER, cached
from router.api.cors import varies
from router.api.exchange import SUCCESS, Handler, HttpAnswer, HttpRequest, text
from router.api.framing import Bounds
from router.api.health import Check
from router.api.http import HttpServer
from router.api.pixel import GIF, HEADERS, pixel_body
from router.api.profiles.door import PREFIX as PROFILES
from router.api.profiles.door import ProfileDoor
from router.api.profiles.space import Space
from router.api.proxies import Proxies
from router.api.routes import Routes
from router.api.settings import Connected, public_host, settings_json
from router.api.tracking import TrackingDoor
from router.api.webhooks import WebhookDoor
from router.events.source import Source
from router.rules.request import Limits
from router.storage.entry import Door

SCRIPT_TYPE = "application/javascript; charset=utf-8"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER_PATHS = {"/beacon/v1/batch": Door.SHORT_BATCH}
"""Where browsers that leave a page send a batch with the key in the query."""
_OF_PIXELS = ("Authorization", "User-Agent", "X-Forwarded-For")
"""Headers that mean something on a pixel."""


class Surroundings(Struct):
    """What the doors need of the router."""

    sources: Mapping[str, Source]
    """By write key."""
    connected: Callable[[Source], Sequence[Connected]]
    """The destinations that a source is connected to."""
    limits: Limits
    public_url: str | None
    proxies: Proxies
    analytics_js: AnalyticsJs
    health: Check
    ready: Check
    metrics: Callable[[], Awaitable[bytes]]
    spaces: Mapping[str, Space]
    """Whose profiles can be asked for."""
    prefix: str = ""
    """The path below which the doors stand in another application."""


class Doors:
    """Every path that the router serves. More can be added to `routes` at any time."""

    def __init__(
        self,
        tracking: TrackingDoor,
        hooks: WebhookDoor,
        profiles: ProfileDoor,
        around: Surroundings,
        *,
        request_seconds: float,
    ) -> None:
        self.tracking = tracking
        self.webhooks = hooks
        self.profiles = profiles
        self._around = around
        self.routes = Routes()
        self.server = HttpServer(self.routes, self._bounds(request_seconds))
        self._add_calls()
        self._add_what_clients_fetch()
        self.routes.add_tree(PROFILES, profiles.handle)
        self.routes.add_route("GET", "/health", partial(_status, around.health))
        self.routes.add_route("GET", "/ready", partial(_status, around.ready))
        self.routes.add_route("GET", "/metrics", self._metrics)

    def follow(self, around: Surroundings, *, request_seconds: float) -> None:
        """Go by these, and by what the tracking door goes by, from the next request on."""
        self._around = around
        self.profiles.spaces = around.spaces
        self.server.bounds = self._bounds(request_seconds)

    def _bounds(self, request_seconds: float) -> Bounds:
        size = max(self.tracking.body_limit, self.webhooks.body_limit)
        return Bounds(body_bytes=size, request_seconds=request_seconds)

    def _add_calls(self) -> None:
        for door in Door:
            if door.value.startswith("pixel/"):
                self.routes.add_route("GET", f"/v1/{door.value}", partial(self._pixel, door))
            elif door not in (Door.EMBEDDED, Door.RETURNED):
                self.routes.add_route("POST", f"/v1/{door.value}", partial(self.tracking.handle, door))
        for path, door in OTHER_PATHS.items():
            self.routes.add_route("POST", path, partial(self.tracking.handle, door))
        for path in ("/v1/functions/{key}", "/v1/functions"):
            self.routes.add_route("POST", path, self.webhooks.handle)
        self.routes.add_route("POST", "/", self.webhooks.handle_at_root)
        self.routes.add_route("POST", "/v1/m", _always(SUCCESS))  # what SDKs tell of themselves is not kept
        self.routes.add_route("POST", "/v1/attribution", _always(HttpAnswer(body=b"{}")))

    def _add_what_clients_fetch(self) -> None:
        for path in ("/v1/projects/{key}/settings", "/projects/{key}/settings"):
            self.routes.add_route("GET", path, self._settings)
        for path in ("/analytics.js/v1/{key}/{name}", "/analytics.js/v1/{key}/platform/{name}"):
            self.routes.add_route("GET", path, self._script)
        self.routes.add_route("GET", "/analytics-next/bundles/{name}", self._chunk)

    async def _pixel(self, door: Door, request: HttpRequest) -> HttpAnswer:
        """Record an event if there is one; the answer is the image whatever happens."""
        body = pixel_body(parse_qsl(request.query, keep_blank_values=True))
        if body is not None:
            headers = {name: request.headers[name] for name in _OF_PIXELS if name in request.headers}
            call = HttpRequest(
                method="POST",
                path=request.path,
                query=request.query,
                headers=headers,
                body=body,
                peer=request.peer,
            )
            await self.tracking.handle(door, call)
        return HttpAnswer(body=GIF, content_type="image/gif", headers=HEADERS)

    # --- what clients fetch ---------------------------------------------------------------------------

    async def _settings(self, request: HttpRequest, key: str) -> HttpAnswer:
        around = self._around
        source = self._source(key)
        if source is None:
            return _missing(request, "no source has this write key, or it is switched off\n")
        protocol, host = public_host(
            around.public_url,
            request.headers,
            is_proxied=around.proxies.is_trusted(request.peer),
            fallback=f"127.0.0.1:{self.server.port}",
        )
        prefix = "" if around.public_url else around.prefix  # the public URL has its path
        body = settings_json(
            source,
            api_host=f"{host}{prefix}/v1",
            protocol=protocol,
            connected=around.connected(source),
        )
        return cached(request, asset(body, packs=False), "application/json", FIVE_MINUTES)

    async def _script(self, request: HttpRequest, key: str, name: str) -> HttpAnswer:
        source = self._source(key)
        if source is None or not (name.startswith("analytics") and name.endswith(".js")):
            return _missing(request, "no source has this write key\n")
        script = self._around.analytics_js.script(source.write_key)
        if script is None:
            return _missing(request, MISSING)
        return cached(request, script, SCRIPT_TYPE, FIVE_MINUTES)

    async def _chunk(self, request: HttpRequest, name: str) -> HttpAnswer:
        chunk = self._around.analytics_js.chunk(name)
        if chunk is None:
            is_built_in = self._around.analytics_js.is_built_in
            return _missing(request, "there is no such chunk\n" if is_built_in else MISSING)
        return cached(request, chunk, SCRIPT_TYPE, FOR_EVER)

    def _source(self, key: str) -> Source | None:
        source = self._around.sources.get(unquote(key))
        return source if source is not None and source.enabled else None

    async def _metrics(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=await self._around.metrics(), content_type=METRICS_TYPE, is_public=False)


async def _status(check: Check, request: HttpRequest) -> HttpAnswer:
    health = await check()
    return HttpAnswer(status=health.status, body=health.json(), is_public=False)


def _always(answer: HttpAnswer) -> Handler:
    async def handle(request: HttpRequest) -> HttpAnswer:
        return answer

    return handle


def _missing(request: HttpRequest, words: str) -> HttpAnswer:
    return text(404, words, headers=varies(request))
