"""Answers that may be kept by caches: an entity tag, and 304 only for whoever asks with `If-None-Match`.

An unasked 304 would break the Kotlin SDK, which needs 200.
"""

from router.api.browser import Asset
from router.api.cors import varies
from router.api.exchange import HttpAnswer, HttpRequest

FIVE_MINUTES = "public, max-age=300"
FOR_EVER = "public, max-age=31536000, immutable"


def cached(request: HttpRequest, found: Asset, content_type: str, control: str) -> HttpAnswer:
    """`found` as the client wants it: packed when it says that it can unpack, empty when it has it already."""
    is_packed = bool(found.packed) and "gzip" in request.headers.get("Accept-Encoding", "").lower()
    tag = f'"{found.tag}-gzip"' if is_packed else f'"{found.tag}"'
    vary = ", ".join([*(["Accept-Encoding"] if found.packed else []), *varies(request).values()])
    headers = {"Cache-Control": control, "ETag": tag, **({"Vary": vary} if vary else {})}
    if _has(request, tag):
        return HttpAnswer(status=304, content_type="", headers=headers)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return HttpAnswer(
        body=found.packed if is_packed else found.body, content_type=content_type, headers=headers
    )


def _has(request: HttpRequest, tag: str) -> bool:
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or "*" in known
