"""Reads the text of a trigger into its tree.

    trigger   := term { ("and" | "or") term }        the last connective counts for all
    term      := "(" condition { ("and" | "or") condition } ")" | condition
    condition := field operator value
               | [ "!" ] ( "contains" | "match" ) "(" field "," string ")"
    field     := "type" | "event" | "name" | "userId" | ("properties" | "traits" | "context") { "." name }

It resembles FQL and is another language. What Segment's own reader accepts but understands in a way that its author
cannot have meant is refused here, with what to write instead (protocols 8).
"""

from typing import Any

import msgspec

from router.rules.fql.numbers import number_text
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tokens import Token, tokenize
from router.rules.triggers.tree import FIELDS, AnyCondition, Connective, Group, Node

_KINDS = {name: str(condition.__struct_config__.tag) for condition, name in FIELDS.items()}
_OPEN = ("properties", "traits", "context")
_SIGNS = ("=", "!=", "<", "<=", ">", ">=")
_FUNCTIONS = ("contains", "match")


def parse_trigger(text: str) -> Group:
    """Read `text`, or raise `ExpressionRefused` with the column and the remedy."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokenize(text)
        self._next = 0

    def whole(self) -> Group:
        if self._peek().kind == "end":
            raise self._refused(self._peek(), 'the trigger is empty; write for example type = "track"')
        node = self._terms(within=None)
        return node if isinstance(node, Group) else Group(operator="and", children=(node,))

    def _terms(self, *, within: Token | None) -> Node:
        """Conditions joined by connectives; `within` is the parenthesis that they stand in."""
        nodes = [self._term(within=within)]
        operator: Connective = "and"
        while (word := self._peek().text) in ("and", "or"):
            operator = "and" if word == "and" else "or"
            self._next += 1
            nodes.append(self._term(within=within))
        token = self._peek()
        if within and token.text != ")":
            raise self._refused(token, f'expected ")" for the "(" in column {within.at + 1}, not {token}')
        if not within and token.kind != "end":
            raise self._refused(token, f'expected "and", "or" or the end, not {token}')
        return Group(operator=operator, children=tuple(nodes)) if len(nodes) > 1 else nodes[0]

    def _term(self, *, within: Token | None) -> Node:
        token = self._peek()
        if token.text == "(":
            if within:
                raise self._refused(token, "parentheses do not stand in parentheses; write it with one level")
            self._next += 1
            node = self._terms(within=token)
            self._next += 1
            return node
        negated = token.text == "!"
        if negated:
            self._next += 1
            if self._peek().text not in _FUNCTIONS:
                raise self._refused(token, '"!" stands before contains() and match() only; otherwise use !=')
        if self._peek().text in _FUNCTIONS:
            return self._call(negated=negated)
        return self._comparison()

    def _comparison(self) -> AnyCondition:
        start = self._peek()
        field, path = self._field()
        sign = self._take(*_SIGNS)
        value = self._peek()
        self._next += 1
        condition = {"type": _KINDS[field], "name": path, "operator": sign.text}
        if value.kind == "string":
            return self._condition(condition, value=self._quoted(value))
        if value.kind == "number":
            number = float(value.value)
            if not path:
                return self._condition(condition, value=number_text(number))
            condition["operator"] = {"=": "number_equals", "!=": "number_not_equals"}.get(
                sign.text, sign.text
            )
            return self._condition(condition, value=int(number) if number.is_integer() else number)
        if value.text == "null" and sign.text in ("=", "!=") and field not in ("type", "event"):
            return self._condition(condition, operator="not_exists" if sign.text == "=" else "exists")
        if value.text in ("true", "false") and sign.text == "=" and (path or field == "userId"):
            return self._condition(condition, operator=f"is_{value.text}")
        raise self._refused(value, self._no_value(self._text[start.at : sign.at].strip(), field, sign, value))

    def _no_value(self, written: str, field: str, sign: Token, value: Token) -> str:
        if value.text == "null" and field in ("type", "event"):
            return f"{field} cannot be compared with null; compare it with a text"
        if value.text == "null":
            return f"null goes with = and != only, not with {sign.text}"
        if value.text in ("true", "false") and (field in _OPEN or field == "userId"):
            other = "false" if value.text == "true" else "true"
            return f"{value.text} goes with = only; write for example {written} = {other} or {written} = null"
        if value.kind == "name":
            return f'expected a value after {sign}; a text stands in double quotes: "{value.value}"'
        return f"expected a value after {sign}" + ("" if value.kind == "end" else f", not {value}")

    def _call(self, *, negated: bool) -> AnyCondition:
        function = self._take(*_FUNCTIONS)
        self._take("(")
        start = self._peek()
        field, path = self._field()
        if field == "type":
            raise self._refused(start, f"{function.text}() cannot look at type; compare it with =")
        self._take(",")
        argument = self._peek()
        self._next += 1
        value = self._quoted(argument)
        self._take(")")
        operator = "contains"
        if function.text == "match":
            if value.endswith("*") and (value == "*" or not value.startswith("*")):
                operator, value = "starts_with", value[:-1]
            elif value.startswith("*") and not value.endswith("*"):
                operator, value = "ends_with", value[1:]
            else:
                problem = 'match() takes one star, first or last: "x*" for a start, "*x" for an end; or use contains()'
                raise self._refused(argument, problem)
        condition = {
            "type": _KINDS[field],
            "name": path,
            "operator": f"not_{operator}" if negated else operator,
        }
        return self._condition(condition, value=value)

    def _field(self) -> tuple[str, str]:
        """A field: its top-level name, and for open JSON the path within it."""
        first = self._peek()
        field = str(first.value)
        if first.kind != "name" or field not in _KINDS:
            fields = ", ".join(name + (".NAME" if name in _OPEN else "") for name in _KINDS)
            raise self._refused(first, f"expected a field, not {first}; there are {fields}")
        self._next += 1
        keys = []
        while self._peek().text == ".":
            self._next += 1
            key = self._peek()
            if key.kind != "name":
                raise self._refused(key, f'expected a name after ".", not {key}')
            keys.append(str(key.value))
            self._next += 1
        path = ".".join(keys)
        if field not in _OPEN and keys:
            raise self._refused(first, f"{field} is a text and has no fields")
        if field in _OPEN and not path.strip("[.]"):
            raise self._refused(first, f"a trigger looks at a field of {field}; write {field}.NAME")
        return field, path

    def _quoted(self, token: Token) -> str:
        if token.kind != "string" or token.text[0] != '"':
            raise self._refused(token, f"expected a text in double quotes, not {token}")
        return str(token.value)

    def _condition(self, condition: dict[str, Any], **changes: Any) -> AnyCondition:
        made: AnyCondition = msgspec.convert({**condition, **changes}, AnyCondition)
        return made

    def _peek(self) -> Token:
        return self._tokens[min(self._next, len(self._tokens) - 1)]

    def _take(self, *wanted: str) -> Token:
        token = self._peek()
        if token.text not in wanted:
            expected = " or ".join(f'"{one}"' for one in wanted)
            raise self._refused(token, f"expected {expected}, not {token}")
        self._next += 1
        return token

    def _refused(self, token: Token, problem: str) -> ExpressionRefused:
        return ExpressionRefused(problem, text=self._text, at=token.at)
