"""The pixel (tracking-api 12): a GET that records one event and always answers with a transparent image."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec

GIF = base64.b64decode(b"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HEADERS = {"Cache-Control": "no-store"}
DEPTH = 32


def pixel_body(query: Sequence[tuple[str, str]]) -> bytes | None:
    """The event that a pixel's query describes as JSON, or None when it describes none."""
    values = dict(query)
    data = values.get("data")
    if data is not None:
        return _decoded(data)
    event: dict[str, Any] = {}
    for path, value in query:
        if not _put(event, path.split("."), value):
            return None
    return msgspec.json.encode(event) if event else None


def _decoded(data: str) -> bytes | None:
    text = data.replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _put(event: dict[str, Any], path: list[str], value: str) -> bool:
    if len(path) > DEPTH:
        return False
    for name in path[:-1]:
        inner = event.setdefault(name, {})
        if not isinstance(inner, dict):
            return False
        event = inner
    event[path[-1]] = value
    return True
