"""What a section's own check says of a place in one of its texts is said of the file."""

import tomllib

import pytest
from msgspec import Struct

from router.config.convert import Converter
from router.config.lines import Places
from router.config.problems import Problems


class Checked(Struct):
    """Finds something odd in the second line of its code."""

    code: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        raise ValueError("code:2:3: is odd" if self.code else "other.js:2:3: is odd")


@pytest.mark.parametrize(("text", "line"), [
    ('[a]\ncode = """\none\n  two\n"""\n', "f.toml:4:3: a.code: is odd; mend that place"),
    ('[a]\ncode = "one\\n  two"\n', "f.toml:2: a.code: line 2, column 3: is odd; mend that place"),
    ('[a]\nfile = "other.js"\n', "f.toml:1: a: other.js:2:3: is odd; mend the values in this section"),
])  # fmt: skip
def test_a_place_in_a_text_is_one_in_the_file(text: str, line: str) -> None:
    problems = Problems("f.toml", Places(text))

    Converter(problems).section(Checked, tomllib.loads(text)["a"], ("a",))

    assert problems.lines() == [line]
