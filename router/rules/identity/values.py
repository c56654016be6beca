"""What is an identifier's value, and how it is written in the graph (identity 2.2)."""

from typing import Any

LONGEST = 500
"""A longer text is nobody's identifier."""


def identifier_value(type: str, value: Any) -> str | None:
    """The value as it is mapped; None when it cannot be an identifier.

    Text is trimmed, an email address is in lower case, and a number is decimal text.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip() if len(value) <= 4 * LONGEST else ""
    elif isinstance(value, int):
        text = str(value) if -(10**LONGEST) < value < 10**LONGEST else ""
    elif isinstance(value, float):
        text = _decimal(value)
    else:
        return None
    if type == "email":
        text = text.lower()
    if not text or len(text) > LONGEST or not (text.isascii() or _is_whole(text)):
        return None
    return text


def _decimal(value: float) -> str:
    if value != value or abs(value) >= 1e21:
        return ""
    return str(int(value)) if value.is_integer() else repr(value)


def _is_whole(text: str) -> bool:
    """Whether it can be written at all: half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
