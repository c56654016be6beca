"""Deep merge of JSON objects as bytes: what does not have to be decoded keeps its digits and its spelling."""

import msgspec
from msgspec import Raw

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


def merge_objects(base: bytes, over: bytes) -> bytes:
    """Merge two JSON objects; where both have a key, objects merge and otherwise `over` wins."""
    merged = _members(base)
    for key, value in _members(over).items():
        under = merged.get(key)
        if under is not None and bytes(under)[:1] == bytes(value)[:1] == b"{":
            value = Raw(merge_objects(bytes(under), bytes(value)))
        merged[key] = value
    return _encode(merged)


def set_member(target: bytes, key: str, value: bytes) -> bytes:
    """Return the JSON object `target` with member `key` set to the JSON text `value`."""
    members = _members(target)
    members[key] = Raw(value)
    return _encode(members)


def add_member(target: bytes, key: bytes, value: bytes) -> bytes:
    """Return `target` with a member that it does not have yet; `key` is JSON text, e.g. `b'"ip"'`. No decoding."""
    return add_members(target, key + b":" + value)


def add_members(target: bytes, members: bytes) -> bytes:
    """Return `target` with members that it does not have yet, given as JSON text: `b'"ip":"…","os":{…}'`."""
    rest = target.lstrip()[1:].lstrip()
    return b"{" + members + (b"" if rest[:1] == b"}" else b",") + rest
