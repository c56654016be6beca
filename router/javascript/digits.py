"""Gives back the digits that JavaScript's numbers have no room for, where a function left them alone."""

from typing import Any

import msgspec

from router.events.calls import decode_open_json

EXACT = 2**53
"""From here on JavaScript rounds."""
_LONG = b"0" * 16
_DIGITS = bytes(ord("0") if chr(code).isdecimal() and code < 128 else ord(" ") for code in range(256))


def has_long_numbers(text: bytes) -> bool:
    """Whether there may be numbers that JavaScript rounds."""
    return _LONG in text.translate(_DIGITS)


def with_digits(before: bytes, after: bytes) -> bytes:
    """`after` with the integers of `before` in their places, wherever it holds just what JavaScript made of them."""
    original, made = decode_open_json(before), decode_open_json(after)
    return msgspec.json.encode(_restored(original, made))


def _restored(before: Any, after: Any) -> Any:
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            key: _restored(before[key], value) if key in before else value for key, value in after.items()
        }
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [_restored(one, other) for one, other in zip(before, after, strict=True)]
    is_rounded = isinstance(before, int) and abs(before) > EXACT and isinstance(after, int | float)
    return before if is_rounded and float(before) == float(after) else after
