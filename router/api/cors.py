"""What browsers must be told before and after a request across origins (tracking-api 5).

analytics.js sends an `Authorization` header, so each of its calls is preceded by a preflight, and on a
retry by another.
"""

from router.api.exchange import HttpAnswer, HttpRequest

METHODS = "GET, POST, OPTIONS"
HEADERS = ("authorization", "content-type", "x-retry-count")
"""Always allowed; what else a page asks for is allowed too."""
MAX_AGE = "86400"
EXPOSED = "Retry-After, X-RateLimit-Reset"
"""Without this a page cannot read how long it shall wait."""


def preflight(request: HttpRequest) -> HttpAnswer:
    """The answer to OPTIONS: any origin, any header. What every answer to an origin has is added by the connection."""
    if "Origin" not in request.headers:
        return HttpAnswer(status=204, content_type="", headers={"Allow": METHODS})
    asked = request.headers.get("Access-Control-Request-Headers", "")
    names = {name.strip().lower(): name.strip() for name in asked.split(",") if _is_token(name.strip())}
    headers = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": ", ".join([*names.values(), *(n for n in HEADERS if n not in names)]),
        "Access-Control-Max-Age": MAX_AGE,
    }
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return HttpAnswer(status=204, content_type="", headers=headers)


def origin_lines(origin: str | None) -> bytes:
    """The header lines of an answer to a page of `origin`; none without one, or when it is no origin."""
    if origin is None or not origin.isascii() or not origin.isprintable():
        return b""
    return (
        f"Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n"
        f"Access-Control-Expose-Headers: {EXPOSED}\r\nVary: Origin\r\n"
    ).encode()


def origin_headers(origin: str | None) -> list[tuple[str, str]]:
    """The same as names and values."""
    lines = origin_lines(origin).decode().split("\r\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines) if name]


def varies(request: HttpRequest) -> dict[str, str]:
    """A header for answers that may be cached: a copy made for nobody's page must not be given to a page."""
    return {} if "Origin" in request.headers else {"Vary": "Origin"}


def _is_token(name: str) -> bool:
    return name.replace("-", "").replace("_", "").isalnum() and name.isascii()
