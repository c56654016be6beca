"""Pages of an answer, and the opaque cursors that lead from one to the next.

A cursor says where the next page begins: behind a key, an index or a position. It opens nothing that the request
does not open by itself, so it is not sealed; one that is broken or of another endpoint is refused.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from router.api.profiles.refused import WRONG_VALUE, ProfileRequestRefused

PlaceT = TypeVar("PlaceT", int, str)
_MOST_NUMBER = 1 << 62


def encode_cursor(endpoint: str, place: int | str) -> str:
    """The cursor for the page of `endpoint` that begins at `place`."""
    packed = msgspec.msgpack.encode((endpoint, place))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(endpoint: str, cursor: str, default: PlaceT) -> PlaceT:
    """The place of a cursor; `default` where there is no cursor. Raises ProfileRequestRefused."""
    if not cursor:
        return default
    kind = type(default)
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        named, place = msgspec.msgpack.decode(packed, type=tuple[str, kind], strict=True)  # type: ignore[valid-type]
    except (binascii.Error, ValueError):
        raise _foreign() from None
    if named != endpoint or (isinstance(place, int) and not 0 <= place <= _MOST_NUMBER):
        raise _foreign()
    found: PlaceT = place
    return found


def page_cursor(
    path: str, given: Mapping[str, str], *, endpoint: str, limit: int, next_place: int | str | None
) -> dict[str, Any]:
    """The object `cursor` of an answer. `path` is that of the profile by its own id; None ends the pages."""
    if next_place is None:
        return {"url": "", "has_more": False, "next": "", "limit": limit}
    cursor = encode_cursor(endpoint, next_place)
    query = urlencode({**given, "limit": str(limit), "next": cursor}, quote_via=quote)
    return {"url": f"{path}/{endpoint}?{query}", "has_more": True, "next": cursor, "limit": limit}


def _foreign() -> ProfileRequestRefused:
    return ProfileRequestRefused(400, WRONG_VALUE, "next must be the cursor of a page of the same endpoint")
