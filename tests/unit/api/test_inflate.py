"""Compressed bodies: every form that clients send, and never a byte beyond the limit."""

import gzip
import random
import tracemalloc
import zlib

import pytest

from router.api.inflate import inflated
from router.errors import RequestRefused

BODY = b'{"userId":"u1"}' * 50


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("GZIP ", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", bare_deflate(BODY)),
        ("gzip", gzip.compress(BODY[:100], mtime=0) + gzip.compress(BODY[100:], mtime=0)),
        ("gzip", gzip.compress(BODY, mtime=0) + bytes(8)),
        ("identity", BODY),
        ("", BODY),
    ],
)
async def test_a_body_is_unpacked(coding: str, packed: bytes) -> None:
    assert await inflated(packed, coding, limit=len(BODY)) == BODY


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(BODY, mtime=0)[:-9],
        gzip.compress(BODY, mtime=0)[:30],
        b"",
        b"plain",
        gzip.compress(BODY, mtime=0) + b"rest",
    ],
)
async def test_a_broken_body_is_refused(packed: bytes) -> None:
    if not packed:
        assert await inflated(packed, "gzip", limit=100) == b""  # the door refuses the empty body itself
        return

    with pytest.raises(RequestRefused) as caught:
        await inflated(packed, "gzip", limit=1 << 20)

    assert (caught.value.status, caught.value.code) == (400, "invalid_json")


async def test_a_coding_that_is_not_known_is_refused_as_such() -> None:
    with pytest.raises(RequestRefused) as caught:
        await inflated(BODY, "br", limit=1 << 20)

    assert (caught.value.status, caught.value.code) == (415, "unsupported_encoding")


async def test_one_byte_over_the_limit_is_too_much() -> None:
    with pytest.raises(RequestRefused) as caught:
        await inflated(gzip.compress(BODY), "gzip", limit=len(BODY) - 1)

    assert caught.value.code == "payload_too_large"
    assert "Exceed payload limit" in caught.value.message


async def test_a_bomb_costs_what_the_limit_allows() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()

    tracemalloc.start()
    with pytest.raises(RequestRefused):
        await inflated(bomb, "gzip", limit=1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8 << 20


async def test_a_large_body_is_unpacked_too() -> None:
    body = random.Random(1).randbytes(100_000)

    assert await inflated(gzip.compress(body), "gzip", limit=len(body)) == body


async def test_a_body_of_very_many_parts_is_refused() -> None:
    with pytest.raises(RequestRefused):
        await inflated(gzip.compress(b"") * 1000, "gzip", limit=1 << 20)
