"""What may become of a single value: a digest, a mask, another type, or a share of all."""

import base64
import hashlib
import hmac
import math
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET

Cast = Literal["text", "number", "integer", "boolean"]
Encoding = Literal["hex", "base64", "base64url"]
ALGORITHMS = ("sha256", "sha512", "sha1", "md5")
MASK = "***"
_encode = msgspec.json.Encoder(order="deterministic").encode
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


def digester(algorithm: str, key: str, encoding: Encoding) -> Callable[[Any], str]:
    """A function that turns a value into a digest of its text; of what is no text, its JSON. Null stays null."""
    constructor = getattr(hashlib, algorithm)
    secret = key.encode()

    def digest(value: Any) -> Any:
        if value is None:
            return None
        text = value.encode() if isinstance(value, str) else _encode(value)
        made = hmac.digest(secret, text, algorithm) if secret else constructor(text).digest()
        if encoding == "hex":
            return made.hex()
        encoded = (
            base64.b64encode(made) if encoding == "base64" else base64.urlsafe_b64encode(made).rstrip(b"=")
        )
        return encoded.decode()

    return digest


def masked(value: Any, keep: int) -> Any:
    """A mask in the place of a value; the last `keep` characters of a text at least twice as long still show."""
    if value is None:
        return None
    text = value if isinstance(value, str) else _encode(value).decode()
    return MASK + text[-keep:] if keep and len(text) >= 2 * keep else MASK


def cast(value: Any, to: Cast) -> Any:
    """The value as another type; one that makes no sense there stays as it is."""
    match to:
        case "text":
            return _text(value)
        case "boolean":
            return _boolean(value)
    number = _number(value)
    if number is None:
        return value
    if to == "integer":
        return round(number) if isinstance(number, float) else number
    return number


def share(value: Any) -> float:
    """A number from 0 to 1 that is always the same for the same value, to take a share of all (protocols 7)."""
    text = b"null" if value is UNSET else _encode(value)
    return int.from_bytes(hashlib.md5(text, usedforsecurity=False).digest()[:8], "big") / 2**64


def _text(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    return _encode(value).decode()


def _boolean(value: Any) -> Any:
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return value


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > 100 or "_" in value:
        return None
    for read in (int, float):
        try:
            number = read(value)
        except ValueError:
            continue
        return number if math.isfinite(number) else None
    return None
