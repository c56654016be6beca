"""The line of a key is found in any TOML that the parser takes."""

import pytest

from router.config.lines import key_lines

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
        (("list", "one"), 17),
        (("spaced", "name", "x"), 20),
    ],
)
def test_a_key_has_the_line_on_which_it_stands(path: tuple[str, ...], line: int) -> None:
    assert key_lines(TEXT)[path] == line


def test_what_stands_inside_of_text_is_no_key() -> None:
    found = key_lines(TEXT)

    assert ("fake",) not in found
    assert ("a", "b", "d") not in found
