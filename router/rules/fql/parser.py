"""Reads FQL text into a tree.

    expression := and { "or" and }      and := unary { "and" unary }
    unary      := [ "!" ] ( "(" expression ")" | comparison )
    comparison := value [ ("=" | "!=" | "<" | "<=" | ">" | ">=" | "in") value ]
    value      := path | string | number | "true" | "false" | "null" | list | function "(" values ")"

The bare word `all` as the whole text is true of every event.
"""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Literal as OneOf
from typing import get_args

from router.rules.fql.functions import FUNCTIONS
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tokens import Token, tokenize
from router.rules.fql.tree import (
    Call,
    Comparator,
    Comparison,
    Expression,
    ListOf,
    Literal,
    Logic,
    Not,
    Path,
    Scalar,
    Value,
)

MOST_LEVELS = 50
"""How deep parentheses, lists and functions may stand in each other."""

_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}
_WORDS = ("and", "or", "in")
_COMPARATORS: dict[str, Comparator] = {one: one for one in get_args(Comparator)}


def parse_expression(text: str) -> Expression:
    """Read `text`, or raise `ExpressionRefused` with the column and the remedy."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._next = 0
        self._level = 0

    def whole(self) -> Expression:
        first = self._peek()
        if first.kind == "end":
            raise self._refused(first, "the expression is empty; write all to match every event")
        if first.text == "all" and self._tokens[1].kind == "end":
            return Literal(True, first.at + 1)
        expression = self._or()
        left = self._peek()
        if left.kind != "end":
            hint = "; keywords are lower case" if left.text.lower() in _WORDS else ""
            raise self._refused(left, f'expected "and", "or" or the end, not {left}{hint}')
        return expression

    def _or(self) -> Expression:
        return self._logic("or", self._and)

    def _and(self) -> Expression:
        return self._logic("and", self._unary)

    def _logic(self, operator: OneOf["and", "or"], operand: Callable[[], Expression]) -> Expression:
        first = self._peek()
        operands = [operand()]
        while self._takes(operator):
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        return Logic(operator, tuple(operands), first.at + 1)

    def _unary(self) -> Expression:
        token = self._peek()
        if self._takes("!"):
            if self._peek().text == "!":
                raise self._refused(self._peek(), 'one "!" is enough')
            return Not(self._operand(), token.at + 1)
        return self._operand()

    def _operand(self) -> Expression:
        opening = self._peek()
        if not self._takes("("):
            return self._comparison()
        self._deeper(opening)
        expression = self._or()
        self._closes(opening, ")")
        return expression

    def _comparison(self) -> Expression:
        left = self._value()
        token = self._peek()
        operator = _COMPARATORS.get(token.text)
        if operator is None:
            return left
        self._next += 1
        return Comparison(operator, left, self._value(), token.at + 1)

    def _value(self) -> Value:
        token = self._peek()
        column = token.at + 1
        if token.kind in ("string", "number"):
            self._next += 1
            return Literal(token.value, column)
        if token.kind == "name" and token.text not in _WORDS:
            self._next += 1
            if self._peek().text == "(":
                return self._call(token)
            if token.text in _CONSTANTS and self._peek().text != ".":
                return Literal(_CONSTANTS[token.text], column)
            return self._path(token)
        if self._takes("["):
            self._deeper(token)
            return ListOf(self._values(token, "]"), column)
        after = f" after {self._tokens[self._next - 1]}" if self._next else ""
        instead = "" if token.kind == "end" else f", not {token}"
        raise self._refused(token, f"expected a value{after}{instead}")

    def _path(self, first: Token) -> Path:
        keys = [str(first.value)]
        while self._takes("."):
            token = self._peek()
            if token.kind != "name":
                raise self._refused(token, f'expected a name after ".", not {token}')
            keys.append(str(token.value))
            self._next += 1
        return Path(tuple(keys), first.at + 1)

    def _call(self, name: Token) -> Call:
        function = FUNCTIONS.get(name.text)
        if function is None:
            near = get_close_matches(name.text.lower(), FUNCTIONS, 1)
            hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(FUNCTIONS)}"
            raise self._refused(name, f"unknown function {name}; {hint}")
        self._deeper(name)
        opening = self._peek()
        self._next += 1
        arguments = self._values(opening, ")")
        if len(arguments) != function.takes:
            wanted = "1 value" if function.takes == 1 else f"{function.takes} values"
            raise self._refused(name, f"{name.text}() takes {wanted}, not {len(arguments)}")
        problem = function.problem(arguments)
        if problem:
            raise self._refused(name, problem)
        return Call(name.text, arguments, name.at + 1)

    def _values(self, opening: Token, closing: str) -> tuple[Value, ...]:
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._closes(opening, closing)
        return tuple(values)

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _takes(self, text: str) -> bool:
        token = self._peek()
        if token.text != text:
            return False
        self._next += 1
        return True

    def _deeper(self, token: Token) -> None:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise self._refused(token, f"more than {MOST_LEVELS} levels of nesting; write it flatter")

    def _closes(self, opening: Token, closing: str) -> None:
        token = self._peek()
        if not self._takes(closing):
            problem = f'expected "{closing}" for the {opening} in column {opening.at + 1}, not {token}'
            raise self._refused(token, problem)
        self._level -= 1

    def _refused(self, token: Token, problem: str) -> ExpressionRefused:
        return ExpressionRefused(problem, text=self._text, at=token.at)
