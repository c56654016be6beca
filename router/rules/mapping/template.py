"""Texts with places in them: `Hello {{traits.name}}`. What a place is filled with is never read as a template."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from router.rules.mapping.failed import LONGEST_TEXT, too_long
from router.rules.mapping.path import Resolve, path_keys, walk
from router.rules.mapping.text import as_text


class Slot(Struct, frozen=True):
    """A place of a template, filled with the value at a path."""

    path: str
    keys: tuple[str, ...]


def compile_template(template: str) -> Resolve:
    """A closure that fills the places of `template`."""
    pieces = tuple(read_template(template))
    return lambda root: fill(pieces, root)


def read_template(template: str) -> Iterator[str | Slot]:
    """The texts and places of a template, in their order: `{{{path}}}` first, then `{{path}}` between them."""
    for piece in _divide(template, "{{{", "}}}"):
        if isinstance(piece, Slot):
            yield piece
        else:
            yield from _divide(piece, "{{", "}}")


def fill(pieces: tuple[str | Slot, ...], root: Any) -> str:
    """The text that a template gives for `root`; raises MappingFailed when it is too long."""
    made: list[str] = []
    size = 0
    for piece in pieces:
        text = piece if piece.__class__ is str else as_text(walk(root, piece.keys))  # type: ignore[union-attr]
        made.append(text)
        size += len(text)
        if size > LONGEST_TEXT:
            raise too_long("@template")
    return "".join(made)


def _divide(template: str, opening: str, closing: str) -> Iterator[str | Slot]:
    """One pass in linear time, whatever the template is: it may come out of an event."""
    done = start = 0
    width = len(opening)
    while (start := template.find(opening, start)) >= 0:
        end = template.find("}", start + width)
        if end < 0:
            break
        if end == start + width or not template.startswith(closing, end):
            start = end  # none of the openings before this brace can be closed
            continue
        if start > done:
            yield template[done:start]
        path = template[start + width : end].strip()
        yield Slot(path, path_keys(path))
        done = start = end + width
    if done < len(template):
        yield template[done:]
