"""Times as clients write them, and as the router writes them (tracking-api 10)."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MILLISECONDS_FROM = 1e11
"""A number from here on counts milliseconds, below it seconds."""
_FIRST = -62_135_596_800_000
_LAST = 253_402_300_799_999
"""The years 1 to 9999: the times that ISO 8601 text can hold."""
_LONGEST = 64
"""No time is written longer; what is longer must not fill the cache."""
_ENDS = tuple(f".{millisecond:03d}Z" for millisecond in range(1000))


def parse_instant(value: str | int | float) -> int | None:
    """Milliseconds since the epoch, or None when `value` is no time; a time without a zone is taken as UTC."""
    if isinstance(value, str):
        return _parse_text(value) if len(value) <= _LONGEST else None
    milliseconds = value if abs(value) >= _MILLISECONDS_FROM else value * 1000
    return int(milliseconds) if _FIRST <= milliseconds <= _LAST else None


def format_instant(milliseconds: int) -> str:
    """`2030-05-01T10:00:02.000Z`; times beyond the years 1 to 9999 are held at their ends."""
    if not _FIRST <= milliseconds <= _LAST:
        milliseconds = min(max(milliseconds, _FIRST), _LAST)
    seconds, rest = divmod(milliseconds, 1000)
    return _second(seconds) + _ENDS[rest]


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


@lru_cache(maxsize=4096)
def _parse_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    try:
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MILLISECOND
    except OverflowError:
        return None
