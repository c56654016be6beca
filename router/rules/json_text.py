"""What JSON text looks like, without decoding it: depth, lone surrogates, compact size."""

import json
import re

import numpy as np

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})(\\u[dD][c-fC-F][0-9a-fA-F]{2})?"
    rb"|u([dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_VECTOR_BYTES = 4096
"""From here on counting many bytes at a time is worth its start."""
_MAYBE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def opening_brackets(text: bytes) -> int:
    """How many opening brackets of both kinds there are, in strings too: no nesting is deeper."""
    if len(text) < _VECTOR_BYTES:
        return text.count(b"{") + text.count(b"[")
    # `[` and `{` differ in one bit
    return int(np.count_nonzero((np.frombuffer(text, np.uint8) | 0x20) == ord("{")))


def is_deeper_than(text: bytes, levels: int) -> bool:
    """Whether arrays and objects are nested deeper than `levels`."""
    if opening_brackets(text) <= levels:
        return False
    depth = 0
    for found in _TOKEN.finditer(text):
        if found[1]:
            depth += 1
            if depth > levels:
                return True
        elif found[2]:
            depth -= 1
    return False


def replace_lone_surrogates(text: bytes) -> bytes:
    """Return `text` with every escape of half a surrogate pair turned into U+FFFD."""
    if b"\\" not in text or not _MAYBE_SURROGATE.search(text):
        return text
    return _ESCAPE.sub(_repaired, text)


def _repaired(found: "re.Match[bytes]") -> bytes:
    is_half = found[3] is not None or (found[1] is not None and found[2] is None)
    return rb"\ufffd" if is_half else found[0]


def compact_size(text: bytes) -> int:
    """Bytes of the same JSON without white space and with every character as UTF-8."""
    size = 0
    after = 0
    for found in _TOKEN.finditer(text):
        size += _solid(text[after : found.start()])
        token = found[0]
        if token[:1] == b'"' and b"\\u" in token:
            size += len(json.dumps(json.loads(token), ensure_ascii=False).encode(errors="replace"))
        else:
            size += len(token)
        after = found.end()
    return size + _solid(text[after:])


def _solid(text: bytes) -> int:
    return len(text.translate(None, b" \t\r\n"))
