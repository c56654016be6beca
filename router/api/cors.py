"""Cross-origin answers (tracking-api 5): without them no browser delivers a single event."""

from collections.abc import Mapping

METHODS = "GET, POST, OPTIONS"
EXPOSED = "Retry-After, X-RateLimit-Reset"
ALWAYS_ALLOWED = "authorization, content-type, x-retry-count"
MAX_AGE = "86400"


def preflight_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of the answer to OPTIONS; none without an Origin."""
    origin = headers.get("Origin")
    if not origin:
        return {}
    asked = headers.get("Access-Control-Request-Headers", "")
    answer = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": _with_always_allowed(asked),
        "Access-Control-Max-Age": MAX_AGE,
        "Vary": "Origin",
    }
    if headers.get("Access-Control-Request-Private-Network") == "true":
        answer["Access-Control-Allow-Private-Network"] = "true"
    return answer


def answer_headers(origin: str | None) -> dict[str, str]:
    """Headers of any other answer, errors too; without them a browser cannot read `Retry-After`."""
    if not origin:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": EXPOSED,
        "Vary": "Origin",
    }


def _with_always_allowed(asked: str) -> str:
    names = [name.strip() for name in asked.split(",") if name.strip()]
    known = {name.lower() for name in names}
    return ", ".join(names + [name for name in ALWAYS_ALLOWED.split(", ") if name not in known])
