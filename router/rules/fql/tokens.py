"""Splits the text of an FQL expression, or of a trigger, into its tokens."""

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from router.rules.fql.refused import ExpressionRefused

MOST_BYTES = 5120
"""The longest expression in UTF-8 bytes."""
MOST_DIGITS = 100

Kind = Literal["name", "string", "number", "symbol", "end"]

_TOKEN = re.compile(
    r"""
    (?P<name>(?:[A-Za-z_]|\\.)(?:[A-Za-z0-9_-]|\\.)*)
  | (?P<number>[+-]?[0-9]+(?:\.[0-9]+)?)(?![A-Za-z0-9_.\\])
  | (?P<string>"[^"]*"|'[^']*')
  | (?P<symbol>!=|<=|>=|[=<>!.,()\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME_AFTER_DOT = re.compile(r"(?:[A-Za-z0-9_-]|\\.)+", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"&": 'write "and"', "|": 'write "or"', "`": "write strings in quotes", "~": "use match()"}


class Token(Struct, frozen=True):
    """One token: its `text` as written, what it means, and the index of its first character."""

    kind: Kind
    text: str
    value: str | int | float
    """The name without its escapes, the string without its quotes, the number; otherwise the text."""
    at: int

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end"
        return self.text if self.kind == "string" else f'"{self.text}"'


def tokenize(text: str) -> Sequence[Token]:
    """Split `text`; the last token is of the kind `end`. Refuses what is too long or no token at all."""
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_BYTES:
        raise ExpressionRefused(f"the expression is {size} bytes long; at most {MOST_BYTES} are allowed")
    tokens: list[Token] = []
    at = _after_space(text, 0)
    while at < len(text):
        token = _token(text, at, after_dot=bool(tokens) and tokens[-1].text == ".")
        tokens.append(token)
        at = _after_space(text, at + len(token.text))
    tokens.append(Token("end", "", "", at))
    return tokens


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _token(text: str, at: int, *, after_dot: bool) -> Token:
    name = _NAME_AFTER_DOT.match(text, at) if after_dot else None
    if name:
        return Token("name", name[0], _ESCAPED.sub(r"\1", name[0]), at)
    found = _TOKEN.match(text, at)
    if not found:
        raise ExpressionRefused(_no_token(text, at), text=text, at=at)
    written = found[0]
    match found.lastgroup:
        case "name":
            return Token("name", written, _ESCAPED.sub(r"\1", written), at)
        case "string":
            return Token("string", written, written[1:-1], at)
        case "number":
            if len(written) > MOST_DIGITS:
                problem = f"a number of {len(written)} characters; at most {MOST_DIGITS} are allowed"
                raise ExpressionRefused(problem, text=text, at=at)
            return Token("number", written, float(written) if "." in written else int(written), at)
        case _:
            return Token("symbol", written, written, at)


def _no_token(text: str, at: int) -> str:
    character = text[at]
    if character in "\"'":
        return f"the string has no closing {character}; strings have no escapes"
    if character == "\\":
        return 'a name ends with "\\"; write the escaped character behind it'
    if character in "+-0123456789":
        return "not a number; write digits with at most one point between them, and a space behind"
    hint = _MEANT.get(character, f'in a name write "\\{character}"')
    return f'unexpected character "{character}"; {hint}'
