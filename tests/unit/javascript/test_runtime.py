"""What Segment's functions find around them gives what Node gives."""

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from router.javascript.program import Program

TEXTS = ["", "abc", "ä€😀" * 50, "x" * 55, "x" * 64, "x" * 119, "x" * 128, "x" * 1000]


def evaluated(expression: str, argument: Any = None) -> Any:
    program = Program(f"async function onTrack(x) {{ return {expression}; }}", seconds=2.0)
    (end,) = program.call_all("onTrack", [msgspec.json.encode(argument)])
    assert end.error is None, end.error
    return None if end.value is None else msgspec.json.decode(end.value)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_digests_are_those_of_everybody(algorithm: str) -> None:
    made = evaluated(f"x.map((text) => crypto.createHash('{algorithm}').update(text).digest('hex'))", TEXTS)
    keyed = evaluated(
        f"x.map((text) => require('crypto').createHmac('{algorithm}', text).update('m').digest('base64'))",
        TEXTS,
    )

    assert made == [hashlib.new(algorithm, text.encode()).hexdigest() for text in TEXTS]
    assert keyed == [base64.b64encode(hmac.digest(text.encode(), b"m", algorithm)).decode() for text in TEXTS]


def test_text_goes_through_bytes_and_base64_and_comes_back() -> None:
    assert (
        evaluated(
            "x.map((text) => Buffer.from(Buffer.from(text).toString('base64'), 'base64').toString())", TEXTS
        )
        == TEXTS
    )
    assert (
        evaluated("x.map((text) => new TextDecoder().decode(new TextEncoder().encode(text)))", TEXTS) == TEXTS
    )
    assert evaluated("x.map((text) => Buffer.from(text).toString('base64'))", TEXTS) == [
        base64.b64encode(text.encode()).decode() for text in TEXTS
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("btoa('user:pass')", "dXNlcjpwYXNz"),
        ("atob('dXNlcjpwYXNz') + btoa.btoa('a') + atob.atob('YQ==')", "user:passYQ==a"),
        ("Buffer.from('ff00', 'hex').toString('base64url')", "_wA"),
        ("new URL('https://u:p@Example.com:443/a/../b c?x=1#h').href", "https://u:p@example.com/b%20c?x=1#h"),
        ("new URL('../x?y=ä', 'https://a.example.com/b/c/d').href", "https://a.example.com/b/x?y=%C3%A4"),
        ("new URL('http://a.example.com:8080').host", "a.example.com:8080"),
        ("new URLSearchParams({ a: '1 2', b: 'ä&=' }).toString()", "a=1+2&b=%C3%A4%26%3D"),
        ("new URLSearchParams('?a=1&b=%20+x&a=2').getAll('a').join()", "1,2"),
        ("new URLSearchParams('?a=1&b=%20+x&a=2').get('b')", "  x"),
        ("((u) => { u.searchParams.set('b', 'c d'); return u.href })(new URL('https://a/?b'))", "https://a/?b=c+d"),
        ("new Headers({ 'X-A': 1 }).get('x-a')", "1"),
        ("new Uint8Array([1, 2, 3]).map((n) => n * 2).slice(1).join()", "4,6"),
        ("new Uint8Array(4) instanceof Uint8Array", True),
        ("(await new Response('{\"a\":1}', { status: 201 }).json()).a", 1),
        ("/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(crypto.randomUUID())", True),
        ("new ValidationError('x') instanceof Error && new ValidationError('x').name", "ValidationError"),
    ],
)  # fmt: skip
def test_globals_do_what_they_do_elsewhere(expression: str, expected: object) -> None:
    assert evaluated(expression) == expected


def test_an_address_that_is_none_is_refused() -> None:
    assert (
        evaluated("(() => { try { new URL('nowhere') } catch (error) { return error.message } })()")
        == "Invalid URL: nowhere"
    )
