"""Which handler answers which path: whole paths in one dictionary, paths with a blank tried one after the other.

routes.add_route("GET", "/health", health)
routes.add_route("GET", "/v1/projects/{key}/settings", settings)   # handler(request, key)
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from router.api.cors import preflight
from router.api.exchange import Handler, HttpAnswer, HttpRequest, failure


class Routes:
    """The paths of all doors."""

    def __init__(self) -> None:
        self._whole: dict[str, dict[str, Handler]] = {}
        self._blank: list[tuple[re.Pattern[str], dict[str, Callable[..., Any]]]] = []
        self._below: dict[str, Handler] = {}

    def add_tree(self, prefix: str, handler: Handler) -> None:
        """Have `handler` answer everything below `prefix`, whatever the method and whether there is such a path."""
        self._below[prefix] = handler

    def add_route(self, method: str, path: str, handler: Callable[..., Any]) -> None:
        """Answer `method` on `path`; each `{blank}` of the path, one segment, is given to the handler by name."""
        if "{" not in path:
            self._whole.setdefault(path, {})[method] = handler
            return
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))
        for known, handlers in self._blank:
            if known == pattern:
                handlers[method] = handler
                return
        self._blank.append((pattern, {method: handler}))

    def find(self, method: str, path: str) -> Handler:
        """The handler for a request, or one that answers why there is none."""
        handlers = self._whole.get(path)
        if handlers is None:
            for prefix, tree in self._below.items():
                if path.startswith(prefix):
                    return tree
            for pattern, candidates in self._blank:
                match = pattern.fullmatch(path)
                if match is not None:
                    handlers = {
                        name: partial(handler, **match.groupdict()) for name, handler in candidates.items()
                    }
                    break
        if method == "OPTIONS" and (handlers is not None or path.startswith("/v1/")):
            return _preflight
        if handlers is None:
            return _not_found
        handler = handlers.get(method) or (handlers.get("GET") if method == "HEAD" else None)
        return handler or partial(_not_allowed, allowed=_allowed(handlers))


def _allowed(handlers: dict[str, Handler]) -> str:
    names = {*handlers, "OPTIONS"} | ({"HEAD"} if "GET" in handlers else set())
    return ", ".join(sorted(names))


async def _preflight(request: HttpRequest) -> HttpAnswer:
    return preflight(request)


async def _not_found(request: HttpRequest) -> HttpAnswer:
    return failure(404, "not_found", f"nothing is served at {request.path[:200]}")


async def _not_allowed(request: HttpRequest, *, allowed: str) -> HttpAnswer:
    message = f"{request.method} is not allowed at {request.path[:200]}; allowed: {allowed}"
    return failure(405, "method_not_allowed", message, headers={"Allow": allowed})
