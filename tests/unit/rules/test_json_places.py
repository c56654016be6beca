"""A member of JSON text is found where a person would look for it."""

import pytest

from router.rules.json_places import MOST_LETTERS, place_of

TEXT = """{
  "a": {"b.c": [1, {"d": "x}]"}, []],
        "e\\u0066": null},
  "a": {"b": [ 10 , 20 ]}, "é": "ü", "z" : 1
}"""


@pytest.mark.parametrize(("path", "place"), [
    ((), (1, 1)),
    (("a",), (4, 8)),  # the last of a name counts, as it does for who reads it
    (("a", "b", 0), (4, 16)),
    (("a", "b", 1), (4, 21)),
    (("a", "b", "1"), (4, 21)),
    (("a", "b", 7), (4, 14)),
    (("a", "nothing", "there"), (4, 8)),
    (("z",), (4, 44)),
])  # fmt: skip
def test_a_path_has_a_line_and_a_column(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert place_of(TEXT, path) == place


def test_escapes_and_brackets_in_texts_are_no_matter() -> None:
    text = TEXT.replace('\n  "a": {"b": [ 10 , 20 ]},', "")

    assert place_of(text, ("a", "b.c", 1, "d")) == (2, 26)
    assert place_of(text, ("a", "ef")) == (3, 20)


@pytest.mark.parametrize("text", ["", "{", '{"a"', '{"a":}', "[" * 100_000, " " * (MOST_LETTERS + 1)])
def test_text_that_is_none_has_no_places(text: str) -> None:
    assert place_of(text, ("a", "b")) is None or text == "[" * 100_000
