"""What a pixel's query means."""

import base64
import json

import pytest

from router.api.pixel import GIF, pixel_body

CALL = {"userId": "u>1?", "event": "Opened ÿ~", "writeKey": "k"}
DATA = base64.b64encode(json.dumps(CALL, ensure_ascii=False).encode()).decode()


@pytest.mark.parametrize(
    "data",
    [DATA, DATA.rstrip("="), DATA.replace("+", "-").replace("/", "_"), DATA.replace("+", " ")],
)
def test_data_is_read_in_every_alphabet(data: str) -> None:
    body = pixel_body([("data", data)])

    assert body is not None
    assert json.loads(body) == CALL


def test_dotted_keys_make_nested_objects_of_strings() -> None:
    body = pixel_body([("userId", "u1"), ("properties.subject", "Hi"), ("properties.a.b", "1")])

    assert body is not None
    assert json.loads(body) == {"userId": "u1", "properties": {"subject": "Hi", "a": {"b": "1"}}}


@pytest.mark.parametrize(
    "query",
    [
        [],
        [("data", "%%%")],
        [("data", "ä")],
        [("a", "1"), ("a.b", "2")],
        [(".".join("a" * 100), "1")],
    ],
)
def test_garbage_is_no_event(query: list[tuple[str, str]]) -> None:
    assert pixel_body(query) is None


def test_the_image_is_a_gif_of_one_pixel() -> None:
    assert GIF.startswith(b"GIF89a\x01\x00\x01\x00")
