"""A condition on the command line: FQL that is checked at once."""

from typing import Any

import click

from router.rules.fql.filter import compile_filter
from router.rules.fql.refused import ExpressionRefused


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
