"""A request as data: what is sent, and what is shown."""

import pytest

from router.delivery.sending.outgoing import outgoing
from router.delivery.sending.secrecy import Secrecy
from router.plugins.request import AnswerMissing, NoAnswer, Request
from router.plugins.settings import Secret, Settings

TOKEN = Secret("s3cr3t value")


class Empty(Settings, frozen=True):
    """None."""


@pytest.mark.parametrize(
    ("request_", "sent", "shown"),
    [
        (
            Request.post("http://h/", json={"key": TOKEN, "n": [1, TOKEN]}),
            b'{"key":"s3cr3t value","n":[1,"s3cr3t value"]}',
            b'{"key":"***","n":[1,"***"]}',
        ),
        (
            Request.put("http://h/", form={"key": TOKEN, "n": 1, "t": "a b&c"}),
            b"key=s3cr3t+value&n=1&t=a+b%26c",
            b"key=%2A%2A%2A&n=1&t=a+b%26c",
        ),
        (Request.patch("http://h/", body=b"[1]"), b"[1]", b"[1]"),
        (Request.post("http://h/", json=None), b"null", b"null"),
        (Request.delete("http://h/"), b"", b""),
    ],
)
def test_secrets_are_in_what_is_sent_and_not_in_what_is_shown(
    request_: Request, sent: bytes, shown: bytes
) -> None:
    assert (request_.encoded(), request_.shown()) == (sent, shown)


def test_a_request_shows_no_secret_in_any_form() -> None:
    request = Request.post(TOKEN, json={"key": TOKEN}, headers={"X-Key": TOKEN})

    assert "s3cr3t" not in repr(request)
    assert "s3cr3t" not in Secrecy(Empty()).request(request)


def test_secrets_in_headers_and_url_are_revealed_where_they_are_sent() -> None:
    ready = outgoing(Request.post(TOKEN, json=1, headers={"X-Key": TOKEN, "X-Open": "o"}))

    assert (ready.url, ready.headers["X-Key"], ready.private) == ("s3cr3t value", "s3cr3t value", {"x-key"})


def test_a_body_that_is_no_json_says_so_where_it_is_encoded() -> None:
    request = Request.post("http://h/", json={"at": object()})

    with pytest.raises(TypeError, match="has no place in JSON"):
        request.encoded()


def test_the_content_type_follows_from_the_body_unless_given() -> None:
    kinds = [
        Request.post("http://h/", json=1),
        Request.post("http://h/", form={}),
        Request.post("http://h/", body=b"x", headers={"Content-Type": "text/plain"}),
    ]

    assert [one.headers["Content-Type"] for one in kinds] == [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/plain",
    ]


def test_requests_that_say_the_same_are_equal() -> None:
    assert Request.post("http://h/", json={"a": TOKEN}) == Request.post(
        "http://h/", json={"a": Secret("s3cr3t value")}
    )


def test_an_answer_that_is_missing_ends_whoever_uses_it_past_every_except_exception() -> None:
    def careful() -> None:
        try:
            NoAnswer().json()
        except Exception:
            pass

    with pytest.raises(AnswerMissing):
        careful()
