"""Moments, rates and conditions as people write them on the command line."""

import re
from typing import Any

import click

from router.events.times import parse_instant
from router.plugins.policies import Rate
from router.plugins.settings import Duration
from router.rules.fql.filter import compile_filter
from router.rules.fql.refused import ExpressionRefused

_RATE = re.compile(r"(\d+)\s*/\s*(\d*\s*(?:ms|s|m|h|d))")
_FORMS = (
    'write a time like "2030-05-01T10:00:00Z" (UTC unless it says so), or how long ago, like "2h" or "7d"'
)


class Moment(click.ParamType[int]):
    """A time, or how long ago it was; becomes milliseconds since the epoch at `now` (in seconds)."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        """Keep what was written; `at` reads it when the command knows what time it is."""
        text = str(value)
        if _read(text, 0.0) is None:
            self.fail(f"{text!r} is no time; {_FORMS}", param, context)
        return text


def at(text: str, now: float) -> int:
    """The moment that `text` means at `now`, in milliseconds since the epoch."""
    return max(0, _read(text, now) or 0)


def _read(text: str, now: float) -> int | None:
    try:
        return int((now - Duration.parse(text)) * 1000)
    except ValueError:
        return parse_instant(text)


class Condition(click.ParamType[str]):
    """A condition in FQL."""

    name = "condition"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        """Check it."""
        text = str(value)
        try:
            if text:
                compile_filter(text)
        except ExpressionRefused as error:
            self.fail(str(error), param, context)
        return text


class RateType(click.ParamType[Rate]):
    """A rate like `100/s` or `30/10m`."""

    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> Any:
        """Read it."""
        found = _RATE.fullmatch(str(value).strip())
        if not found or int(found[1]) < 1:
            self.fail(f'{value!r} is no rate; write e.g. "100/s" or "30/10m"', param, context)
        period = found[2].strip()
        per = Duration.parse(period if period[0].isdigit() else "1" + period)
        if per <= 0:
            self.fail(f"{value!r} has no period; write e.g. 100/s", param, context)
        return Rate(int(found[1]), per)
