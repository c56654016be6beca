"""The code blocks of a document."""

import re
from dataclasses import dataclass

from tests.house.tree import ROOT

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One code block: its language, and its text."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The code blocks of a page, named from the project's root, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(language, body) for language, body in FENCE.findall(text)]


def block(page: str, language: str, containing: str) -> str:
    """The text of the only block in this language that contains these words."""
    (found,) = [one.text for one in blocks(page) if one.language == language and containing in one.text]
    return found
