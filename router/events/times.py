"""Times as clients write them, and as the router writes them (tracking-api 10)."""

from datetime import UTC, date, datetime
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY = 86_400_000
_MILLISECONDS_FROM = 1e11
"""A number from here on counts milliseconds, below it seconds."""
_FIRST = -62_135_596_800_000
_LAST = 253_402_300_799_999
"""The years 1 to 9999: the times that ISO 8601 text can hold."""
_LONGEST = 64
"""No time is written longer; what is longer must not fill the cache."""
_ENDS = tuple(f".{millisecond:03d}Z" for millisecond in range(1000))
_MILLISECONDS = {end: millisecond for millisecond, end in enumerate(_ENDS)}
_MINUTES = tuple(f"T{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440))
_SECONDS = tuple(f":{second:02d}" for second in range(60))
_MINUTE_OF = {text: minute * 60_000 for minute, text in enumerate(_MINUTES)}
_SECOND_OF = {text: second * 1000 for second, text in enumerate(_SECONDS)}


def parse_instant(value: str | int | float) -> int | None:
    """Milliseconds since the epoch, or None when `value` is no time; a time without a zone is taken as UTC."""
    if isinstance(value, str):
        rest = _MILLISECONDS.get(value[19:])  # as nearly every client writes it: 2030-05-01T10:00:02.000Z
        if rest is not None:
            minute = _MINUTE_OF.get(value[10:16])
            second = _SECOND_OF.get(value[16:19])
            day = _parse_day(value[:10])
            if minute is not None and second is not None and day is not None:
                return day + minute + second + rest
        return _parse_text(value) if len(value) <= _LONGEST else None
    milliseconds = value if abs(value) >= _MILLISECONDS_FROM else value * 1000
    return int(milliseconds) if _FIRST <= milliseconds <= _LAST else None


def format_instant(milliseconds: int) -> str:
    """`2030-05-01T10:00:02.000Z`; times beyond the years 1 to 9999 are held at their ends."""
    if not _FIRST <= milliseconds <= _LAST:
        milliseconds = min(max(milliseconds, _FIRST), _LAST)
    day, rest = divmod(milliseconds, _DAY)
    minute, rest = divmod(rest, 60_000)
    return _day(day) + _MINUTES[minute] + _SECONDS[rest // 1000] + _ENDS[rest % 1000]


@lru_cache(maxsize=4096)
def _day(days: int) -> str:
    return date.fromordinal(_EPOCH_DAY + days).isoformat()


@lru_cache(maxsize=4096)
def _parse_day(text: str) -> int | None:
    """Milliseconds of the beginning of `2030-05-01`; None for every other form."""
    if text[4:5] != "-" or text[7:8] != "-":
        return None
    try:
        return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * _DAY
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _parse_text(text: str) -> int | None:
    text = text.strip()
    if text[-1:] == "z":
        text = text[:-1] + "Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return since.days * _DAY + since.seconds * 1000 + since.microseconds // 1000
