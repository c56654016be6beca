"""Regular expressions that operators write: in RE2's syntax, which is searched in linear time whatever the text."""

from collections.abc import Callable

import re2  # type: ignore[import-untyped]


def searching(expression: str) -> Callable[[str], bool]:
    """A pattern that is searched in a value; RE2's syntax, in linear time. Raises ValueError."""
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(expression, options).search
    except re2.error as error:
        said = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise ValueError(f"is not RE2 ({said}); there is no look-around and no back-reference") from None
    return lambda text: search(text) is not None
