"""Replacing text by text: what `@replace` does."""

import re
from collections.abc import Callable

from router.rules.mapping.failed import LONGEST_TEXT, too_long

LONGEST = 10
"""Characters of a pattern and of a replacement."""

_SPECIAL = re.compile(r"\$[$&]")


def compile_replace(
    pattern: str, replacement: str, *, ignorecase: bool, everywhere: bool
) -> Callable[[str], str]:
    """A closure that replaces `pattern`, taken literally. In the replacement `$&` is what was found, `$$` a dollar."""
    is_plain = not ignorecase and not _SPECIAL.search(replacement)
    longest = len(replacement) + replacement.count("$&") * len(pattern)
    most = LONGEST_TEXT * len(pattern) // max(longest, len(pattern), 1)
    if is_plain:
        times = -1 if everywhere else 1

        def replace_plain(text: str) -> str:
            _refuse_growth(text, most)
            return text.replace(pattern, replacement, times)

        return replace_plain
    found = re.compile(re.escape(pattern), re.IGNORECASE if ignorecase else 0)
    count = 0 if everywhere else 1

    def replacing(match: re.Match[str]) -> str:
        return _SPECIAL.sub(lambda special: "$" if special[0] == "$$" else match[0], replacement)

    def replace_found(text: str) -> str:
        _refuse_growth(text, most)
        return found.sub(replacing, text, count)

    return replace_found


def _refuse_growth(text: str, most: int) -> None:
    """Refuse a text that would grow beyond the limit if it consisted of the pattern."""
    if len(text) > most:
        raise too_long("@replace")
