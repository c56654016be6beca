"""The tree that an FQL expression is read into; `column` counts from one, within the whole text."""

from typing import Literal as OneOf

from msgspec import Struct

Comparator = OneOf["=", "!=", "<", "<=", ">", ">=", "in"]
Scalar = str | int | float | bool | None


class Literal(Struct, frozen=True):
    """A value that is written out: a string, a number, `true`, `false` or `null`."""

    value: Scalar
    column: int


class Path(Struct, frozen=True):
    """A place in the event: `properties.my\\ key` has the keys `properties` and `my key`."""

    keys: tuple[str, ...]
    column: int


class ListOf(Struct, frozen=True):
    """Values in brackets."""

    items: "tuple[Value, ...]"
    column: int


class Call(Struct, frozen=True):
    """A function with its arguments; their number is right."""

    function: str
    arguments: "tuple[Value, ...]"
    column: int


class Comparison(Struct, frozen=True):
    """Two values and what is asked about them; `column` is that of the operator."""

    operator: Comparator
    left: "Value"
    right: "Value"
    column: int


class Not(Struct, frozen=True):
    """The opposite of an expression."""

    operand: "Expression"
    column: int


class Logic(Struct, frozen=True):
    """Two or more expressions of which all, or one, must hold."""

    operator: OneOf["and", "or"]
    operands: "tuple[Expression, ...]"
    column: int


Value = Literal | Path | ListOf | Call
Expression = Logic | Not | Comparison | Value
