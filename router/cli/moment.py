"""Moments on the command line, and how they are shown."""

import time
from datetime import UTC, datetime
from typing import Any

import click

from router.events.times import parse_instant
from router.plugins.settings import Duration


class Moment(click.ParamType[int]):
    """A time such as 2030-03-17T12:00:00Z, or how long ago, such as 2h; in milliseconds since the epoch."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text."""
        try:
            return int((time.time() - Duration.parse(value)) * 1000)
        except ValueError:
            found = parse_instant(str(value))
        if found is None:
            self.fail(f'{value!r} is no time; write e.g. "2h" (ago) or "2030-03-17T12:00:00Z"', param, ctx)
        return found


MOMENT = Moment()


def shown(milliseconds: int) -> str:
    """A moment for people, in UTC to the second."""
    try:
        return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (OverflowError, ValueError, OSError):  # a clock that was far off wrote it
        return str(milliseconds)
