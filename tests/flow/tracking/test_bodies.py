"""What a request may be made of: content types, codings, character sets and shapes (tracking-api 4, 6.1)."""

import gzip
import json
import zlib
from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, connect, encoded, failed, request_bytes, stored, track

GZIP = {**DEMO, "Content-Encoding": "gzip"}
TYPES = [
    "application/json",
    "text/plain",
    "application/json; charset=utf-8",
    "application/x-www-form-urlencoded",
    "",
]


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize("content_type", TYPES)
async def test_tracking_4_the_content_type_does_not_matter(content_type: str) -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/track", track(), headers={**DEMO, "Content-Type": content_type})

    assert len(events) == 1


async def test_tracking_4_a_body_without_content_type_is_read() -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/b", {"batch": [track()]})) == 1


async def test_tracking_5_a_chunked_gzip_body_is_read() -> None:
    packed = gzip.compress(encoded({"batch": [track()], "writeKey": "wk_demo"}))
    half = len(packed) // 2
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (packed[:half], packed[half:])]
    headers = {"Content-Encoding": "gzip", "Transfer-Encoding": "chunked", "Content-Type": "text/plain"}
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", "/v1/b", b"".join(chunks) + b"0\r\n\r\n", headers))

        assert (await connection.reply()).status == 200
        assert len(await rig.shelf.wait(1)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip",
        b"\x1f\x8b",
        b"",
        gzip.compress(b"{}", mtime=0)[:-9],
        gzip.compress(b"x" * 99, mtime=0)[:20],
    ],
)
async def test_tracking_5_a_broken_gzip_body_is_refused(body: bytes) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", body, headers=GZIP)

    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", " gzip "])
@pytest.mark.parametrize("path", ["/v1/track", "/v1/t", "/v1/batch", "/v1/import", "/v1/b"])
async def test_gzip_is_read_on_every_path(path: str, coding: str) -> None:
    body = gzip.compress(encoded({**track(), "batch": [track()]}))
    async with running() as rig:
        assert len(await stored(rig, path, body, headers={**DEMO, "Content-Encoding": coding})) == 1


@pytest.mark.parametrize("body", [zlib.compress(encoded(track())), raw_deflate(encoded(track()))])
async def test_deflate_is_read_with_and_without_its_frame(body: bytes) -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", body, headers={**DEMO, "Content-Encoding": "deflate"})) == 1


async def test_gzip_in_several_members_is_read() -> None:
    text = encoded(track())
    async with running() as rig:
        assert (
            len(
                await stored(
                    rig, "/v1/track", gzip.compress(text[:9]) + gzip.compress(text[9:]), headers=GZIP
                )
            )
            == 1
        )


async def test_identity_is_no_coding() -> None:
    async with running() as rig:
        assert (
            len(await stored(rig, "/v1/track", track(), headers={**DEMO, "Content-Encoding": "identity"}))
            == 1
        )


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip", "ünknown"])
async def test_another_coding_is_answered_415(coding: str) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", track(), headers={**DEMO, "Content-Encoding": coding})

    assert (reply.status, reply.code) == (415, "unsupported_encoding")


async def test_tracking_6_a_body_that_is_no_json_is_refused_with_code_and_message() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", b"{bad")

    assert (reply.status, reply.code) == (400, "invalid_json")


async def test_tracking_6_a_bad_request_is_counted() -> None:
    async with running() as rig:
        await ask(rig, "/v1/track", b"{bad")

        assert await failed(rig) == {"bad_request": 1}


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
@pytest.mark.parametrize(
    "body", [b"[]", b"[{}]", b'"text"', b"42", b"null", b"true", b"", b" ", b"\xef\xbb\xbf"]
)
async def test_tracking_7_a_body_that_is_no_object_is_refused(path: str, body: bytes) -> None:
    async with running() as rig:
        reply = await ask(rig, path, body)

    assert (reply.status, reply.code) == (400, "invalid_json")


BROKEN = [
    b'{"userId":"u1","event":"E"',
    b'{"userId":"u1","event":"E"}}',
    b'{"userId":"u1","event":"E",}',
    b"{'userId':'u1'}",
    b'{"userId":"u1","event":"E","properties":{"a":NaN}}',
    b'{"userId":"u1","event":"E","properties":{"a":Infinity}}',
    b'{"userId":"u1","event":"E","properties":{"a":-Infinity}}',
    b'{"userId":"u1","event":"E","properties":{"a":01}}',
    b'{"userId":"u1","event":"a\nb"}',
    b'{"userId":"u1","event":"\\x41"}',
    b'{"userId":"u1","event":"\xff"}',
    b'{"userId":"u1","event":"\xed\xa0\x80"}',
    b'{"userId":"u1","event":"E"}\x00',
]


@pytest.mark.parametrize("body", BROKEN)
async def test_text_that_is_no_json_is_refused(body: bytes) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", body)

    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("body", BROKEN)
async def test_a_batch_with_a_member_that_is_no_json_is_refused_as_a_whole(body: bytes) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", b'{"batch":[' + encoded(track()) + b"," + body + b"]}")
        await rig.drained()

        assert (reply.status, reply.code, rig.delivered) == (400, "invalid_json", [])


async def test_a_batch_with_a_hole_is_refused() -> None:
    async with running() as rig:
        assert (await ask(rig, "/v1/batch", b'{"batch":[,]}')).code == "invalid_json"


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
async def test_other_character_sets_are_refused(coding: str) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", '{"userId":"u1","event":"É"}'.encode(coding))

    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_a_byte_order_mark_is_skipped(path: str) -> None:
    async with running() as rig:
        assert len(await stored(rig, path, b"\xef\xbb\xbf" + encoded({**track(), "batch": [track()]}))) == 1


def nested(levels: int) -> bytes:
    """A track call that is so many levels deep: itself, its properties, and arrays."""
    inner = b"[" * (levels - 2) + b"]" * (levels - 2)
    return b'{"type":"track","userId":"u1","event":"E","properties":{"a":' + inner + b"}}"


@pytest.mark.parametrize("levels", [3, 100, 256])
async def test_a_hundred_levels_of_nesting_pass(levels: int) -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", nested(levels))) == 1


@pytest.mark.parametrize("levels", [257, 1_000, 15_000])
async def test_a_deeper_call_is_refused(levels: int) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", nested(levels))

    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize("levels", [257, 1_000, 100_000])
async def test_a_batch_with_one_member_that_is_too_deep_is_refused_as_a_whole(levels: int) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", b'{"batch":[' + encoded(track()) + b"," + nested(levels) + b"]}")
        await rig.drained()

        assert (reply.status, reply.code, rig.delivered) == (400, "invalid_json", [])


@pytest.mark.parametrize("field", ["context", "unknown"])
async def test_an_envelope_that_is_too_deep_is_refused(field: str) -> None:
    body = (
        b'{"batch":['
        + encoded(track())
        + b'],"'
        + field.encode()
        + b'":'
        + b'{"a":' * 300
        + b"1"
        + b"}" * 301
    )
    async with running() as rig:
        assert (await ask(rig, "/v1/batch", body)).code == "invalid_json"


@pytest.mark.parametrize("batch", [None, {}, "text", 42, True])
async def test_a_batch_that_is_no_array_is_refused(batch: Any) -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", {"batch": batch})

    assert (reply.status, reply.code) == (400, "invalid_batch")


async def test_a_batch_request_without_batch_is_refused() -> None:
    async with running() as rig:
        assert (await ask(rig, "/v1/batch", track())).code == "invalid_batch"


TEXTS = ["a\u0000b", "\ufeffx", "\u202eabc", "😀", "\u2028", '"\\/', "\x7f", "é" * 50]


@pytest.mark.parametrize("text", TEXTS)
async def test_text_passes_unchanged(text: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(event=text, properties={"a": text}))

    assert (event["event"], event["properties"]["a"]) == (text, text)


@pytest.mark.parametrize("name", ["", "a.b", "__proto__", "$set", " ", "\u0000", "constructor"])
async def test_a_property_may_have_any_name(name: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(properties={name: 1}))

    assert event["properties"] == {name: 1}


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00", r"\ud800x", r"\udc00\ud800"])
async def test_half_of_a_surrogate_pair_is_replaced(escape: str) -> None:
    body = f'{{"userId":"u1","event":"E","properties":{{"a":"{escape}"}}}}'.encode()
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", body)

    assert event["properties"]["a"] == escape.replace(r"\ud800", "\ufffd").replace(r"\udc00", "\ufffd")


@pytest.mark.parametrize("digits", ["9007199254740993", "-9223372036854775808", "18446744073709551615"])
async def test_numbers_keep_their_digits(digits: str) -> None:
    body = f'{{"userId":"u1","event":"E","properties":{{"a":{digits}}},"context":{{"b":{digits}}}}}'.encode()
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", body)

    assert (event["properties"], event["context"]) == ({"a": int(digits)}, {"b": int(digits)})


async def test_of_equal_keys_the_last_wins() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", b'{"userId":"u0","event":"E","userId":"u1"}')

    assert event["userId"] == "u1"


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/track", b"{bad", DEMO),
        ("/v1/track", b"[]", DEMO),
        ("/v1/batch", b"{}", DEMO),
        ("/v1/track", b"{}", {}),
        ("/v1/batch", b"{}" + b" " * 600_000, DEMO),
        ("/v1/track", json.dumps(track(properties={"a": "x" * 33_000})).encode(), DEMO),
        ("/v1/nothing", b"{}", DEMO),
        ("/v1/pixel/track", b"{}", DEMO),
        ("/v1/track", b"{}", {**DEMO, "Content-Encoding": "br"}),
    ],
)
async def test_tracking_34_every_failure_has_code_and_message(
    path: str, body: bytes, headers: dict[str, str]
) -> None:
    async with running() as rig:
        reply = await ask(rig, path, body, headers=headers)

    assert reply.status >= 400
    assert reply.code
