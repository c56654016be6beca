"""What browsers are told."""

import pytest

from router.api.cors import origin_lines, preflight
from router.api.exchange import HttpRequest


def allowed(asked: str) -> set[str]:
    request = HttpRequest(
        method="OPTIONS",
        path="/v1/t",
        headers={"Origin": "https://shop.test", "Access-Control-Request-Headers": asked},
    )
    return set(preflight(request).headers["Access-Control-Allow-Headers"].split(", "))


@pytest.mark.parametrize(
    ("asked", "also"),
    [
        ("", set()),
        ("authorization", set()),
        ("authorization,x-retry-count", set()),
        ("anonymousid,authorization,content-type,sentat", {"anonymousid", "sentat"}),
        ("X-Mine , ", {"X-Mine"}),
        ("evil\r\nSet-Cookie: a", set()),
    ],
)
def test_every_header_that_is_asked_for_is_allowed_beside_the_usual_ones(asked: str, also: set[str]) -> None:
    assert allowed(asked) == {"authorization", "content-type", "x-retry-count"} | also


def test_a_private_network_request_is_allowed() -> None:
    headers = {"Origin": "https://shop.test", "Access-Control-Request-Private-Network": "true"}

    answer = preflight(HttpRequest(method="OPTIONS", path="/v1/t", headers=headers))

    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"


def test_without_an_origin_there_is_no_cross_origin_header() -> None:
    answer = preflight(HttpRequest(method="OPTIONS", path="/v1/t"))

    assert not any(name.startswith("Access-Control") for name in answer.headers)
    assert origin_lines(None) == b""


def test_an_answer_names_the_origin_and_what_a_page_may_read() -> None:
    lines = origin_lines("https://shop.test")

    assert b"Access-Control-Allow-Origin: https://shop.test\r\n" in lines
    assert b"Access-Control-Allow-Credentials: true\r\n" in lines
    assert b"Access-Control-Expose-Headers: Retry-After, X-RateLimit-Reset\r\n" in lines
    assert b"Vary: Origin\r\n" in lines
