"""The line of a key is found in any TOML that the parser takes."""

import pytest

from router.config.lines import Places

TEXT = '''# [not.a.table]
title = "x"

[a.b] # comment
c = """
[fake]
d = 1
"""
e.f = [
  1,
  { x = "]" },
]
"quoted key" = 'a = b'
after = 1

[[list]]
one = 1
[list.sub]
x = 2
[[list]]
one = 2

[ spaced . "name" ]
x = 2024-01-01
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("a", "b"), 4),
        (("a", "b", "c"), 5),
        (("a", "b", "e", "f"), 9),
        (("a", "b", "quoted key"), 13),
        (("a", "b", "after"), 14),
        (("list",), 16),
        (("list", "0", "one"), 17),
        (("list", "0", "sub", "x"), 19),
        (("list", "1"), 20),
        (("list", "1", "one"), 21),
        (("spaced", "name", "x"), 24),
    ],
)
def test_a_key_has_the_line_on_which_it_stands(path: tuple[str, ...], line: int) -> None:
    assert Places(TEXT).lines[path] == line


def test_what_stands_inside_of_text_is_no_key() -> None:
    found = Places(TEXT).lines

    assert ("fake",) not in found
    assert ("a", "b", "d") not in found


FAULTS = '''[a]
plain = 'type = "x"'
basic = "say \\"x\\""
short = """
first
  second"""
inline = { red = "blok", "b.c" = "mask" }
many = [
  "geo",
  "usr",
]
"é" = "ü x"
[[a.list]]
if = "one"
[[a.list]]
if = "two"
'''


@pytest.mark.parametrize(
    ("path", "text", "at", "found"),
    [
        (("a", "plain"), 'type = "x"', (1, 8), (2, 17)),
        (("a", "basic"), 'say "x"', (1, 1), None),
        (("a", "short"), "first\n  second", (1, 1), (5, 1)),
        (("a", "short"), "first\n  second", (2, 3), (6, 3)),
        (("a", "inline", "red"), "blok", (1, 1), (7, 19)),
        (("a", "inline", "red"), "red", (1, 1), (7, 12)),
        (("a", "inline", "b.c"), "b.c", (1, 1), (7, 27)),
        (("a", "many"), "usr", (1, 1), (10, 4)),
        (("a", "é"), "ü x", (1, 3), (12, 10)),
        (("a", "list", "0", "if"), "one", (1, 1), (14, 7)),
        (("a", "list", "1", "if"), "two", (1, 2), (16, 8)),
        (("a", "list", "1", "actions"), "nowhere", (1, 1), None),
        (("nowhere",), "one", (1, 1), None),
        ((), "one", (1, 1), None),
    ],
)
def test_a_text_is_found_where_it_is_written(
    path: tuple[str, ...], text: str, at: tuple[int, int], found: tuple[int, int] | None
) -> None:
    assert Places(FAULTS).find(path, text, at) == found
