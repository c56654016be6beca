"""AWS signatures, against the figures that AWS published with its examples, and some made with botocore 1.x."""

from datetime import UTC, datetime

import pytest

from router.delivery.sending.sigv4 import sigv4

EXAMPLE = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
KEY_ID = "AKIDEXAMPLE"
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def signature(
    method: str, url: str, headers: dict[str, str], body: bytes = b"", service: str = "service"
) -> str:
    added = sigv4(
        method,
        url,
        headers,
        body,
        access_key_id=KEY_ID,
        secret_access_key=KEY,
        region="us-east-1",
        service=service,
        now=EXAMPLE,
    )
    return added["Authorization"].rpartition("Signature=")[2]


HOST = "https://example.amazonaws.com"


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", f"{HOST}/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", f"{HOST}/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            f"{HOST}/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case"],
)
def test_the_published_test_suite_is_met(method: str, url: str, expected: str) -> None:
    assert signature(method, url, {}) == expected


def test_the_example_of_the_manual_is_met() -> None:
    url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"

    expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert signature("GET", url, FORM, service="iam") == expected


def test_a_port_a_path_that_needs_encoding_and_a_token_are_signed_as_botocore_does() -> None:
    added = sigv4(
        "POST",
        "https://firehose.us-east-1.amazonaws.com:8443/a%20b/ü?x=1&y=%2F&z",
        {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Firehose.PutRecordBatch"},
        b'{"a":1}',
        access_key_id=KEY_ID,
        secret_access_key=KEY,
        region="us-east-1",
        service="firehose",
        now=EXAMPLE,
        session_token="TOKEN",
    )

    assert added["X-Amz-Security-Token"] == "TOKEN"
    assert added["Authorization"].endswith("bdd252a893c5b5e4a5ebecd2c413e4ed2e1a4f8df06ae3acb8517b4d6ff1593e")


def test_s3_encodes_a_path_once_and_signs_the_hash_of_the_body_as_botocore_does() -> None:
    url = "https://bucket.s3.amazonaws.com/a%20b/c%2Bd.json"
    headers = {"Content-Type": "application/json"}

    expected = "29441d0138f9ebe5d5971320242069762933f42b8db7d35b147513e28dfcf956"
    assert signature("PUT", url, headers, b'{"a":1}', service="s3") == expected


@pytest.mark.parametrize(
    ("url", "same"),
    [("http://[::1]:80/", "http://[::1]/"), ("https://h:443/", "https://h"), ("http://H/", "http://h/")],
)
def test_the_host_is_signed_as_it_is_sent(url: str, same: str) -> None:
    assert signature("GET", url, {}) == signature("GET", same, {})
    assert signature("GET", url, {}) != signature("GET", "http://h:8080/", {})
