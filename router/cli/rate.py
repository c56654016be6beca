"""A rate on the command line."""

import re
from typing import Any

import click

from router.plugins.policies import Rate
from router.plugins.settings import Duration

_RATE = re.compile(r"(\d+)\s*/\s*(\d*\s*(?:ms|s|m|h|d))")


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
