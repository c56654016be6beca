"""Merging JSON objects as bytes keeps what it does not touch."""

import msgspec
import pytest

from router.rules.merge import add_member, merge_objects, set_member


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        (b'{"a":1}', b'{"b":2}', {"a": 1, "b": 2}),
        (b'{"a":1}', b'{"a":2}', {"a": 2}),
        (b'{"app":{"name":"x","v":1}}', b'{"app":{"v":2}}', {"app": {"name": "x", "v": 2}}),
        (b'{"app":{"name":"x"}}', b'{"app":null}', {"app": None}),
        (b'{"app":1}', b'{"app":{"v":2}}', {"app": {"v": 2}}),
        (b"{}", b"{}", {}),
    ],
)
def test_objects_merge_deeply_and_the_second_wins(base: bytes, over: bytes, merged: object) -> None:
    assert msgspec.json.decode(merge_objects(base, over)) == merged


def test_numbers_keep_their_digits() -> None:
    merged = merge_objects(b'{"n":9007199254740993000000000001,"f":1.10}', b'{"e":1e400}')

    assert merged == b'{"n":9007199254740993000000000001,"f":1.10,"e":1e400}'


@pytest.mark.parametrize("target", [b'{"ip":null,"a":1}', b'{"ip":"old","a":1}', b'{"a":1}'])
def test_set_member_replaces_or_adds(target: bytes) -> None:
    assert msgspec.json.decode(set_member(target, "ip", b'"1.2.3.4"')) == {"ip": "1.2.3.4", "a": 1}


@pytest.mark.parametrize("target", [b"{}", b"{ }", b'{"a":1}', b' { "a":1}'])
def test_add_member_yields_valid_json(target: bytes) -> None:
    before = msgspec.json.decode(target)

    assert msgspec.json.decode(add_member(target, b'"ip"', b'"x"')) == {"ip": "x", **before}
