"""What becomes of a value that a control meets; each leaves alone what it has made itself, so that twice is once."""

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ActionName = Literal["block", "hash", "mask", "encrypt"]
"""`block` removes the field, the others put text in its place."""
Action = Callable[[str, Any], Any]
"""Takes the field's key and decoded value, and gives the new value."""
SHOWN = 4
"""Characters that a mask leaves, at the end."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NONCE = 12
_canonical = msgspec.json.Encoder(order="sorted").encode


def hashing(secret: bytes, is_email: Callable[[str, Any], bool]) -> Action:
    """HMAC-SHA-256 of the value's canonical JSON text, in hexadecimal; addresses for mail without case and space."""

    def act(key: str, value: Any) -> str:
        if isinstance(value, str):
            if _DIGEST.fullmatch(value):
                return value
            if is_email(key, value):
                value = value.strip().lower()
        return hmac.new(secret, _canonical(value), hashlib.sha256).hexdigest()

    return act


def masked(_: str, value: Any) -> Any:
    """The last four characters, and a star for each of the others; of an object or a list each value by itself."""
    if isinstance(value, dict):
        return {key: masked("", member) for key, member in value.items()}
    if isinstance(value, list):
        return [masked("", member) for member in value]
    if value is None:
        return None
    text = value if isinstance(value, str) else _canonical(value).decode()
    hidden = len(text) if len(text) <= SHOWN else len(text) - SHOWN
    return "*" * hidden + text[hidden:]


def encrypting(key: bytes) -> Action:
    """AES-GCM with a nonce of its own for each value; base64 of nonce, text and tag. `decrypted` undoes it."""
    cipher = AESGCM(key)

    def act(_: str, value: Any) -> str:
        if isinstance(value, str) and _is_ours(cipher, value):
            return value
        nonce = os.urandom(_NONCE)
        return base64.b64encode(nonce + cipher.encrypt(nonce, _canonical(value), None)).decode()

    return act


def decrypted(key: bytes, text: str) -> Any:
    """The value that was encrypted with this key; raises ValueError when the text is not of this key."""
    try:
        raw = base64.b64decode(text, validate=True)
        return msgspec.json.decode(AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], None))
    except (InvalidTag, ValueError) as error:
        raise ValueError("is not encrypted with this key") from error


def _is_ours(cipher: AESGCM, text: str) -> bool:
    try:
        raw = base64.b64decode(text, validate=True)
        cipher.decrypt(raw[:_NONCE], raw[_NONCE:], None)
    except (InvalidTag, ValueError):
        return False
    return True
