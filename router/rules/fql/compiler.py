"""Turns a tree into closures, once for each kind of event, so that nothing is looked up while events pass.

What does not depend on the event is worked out here: of an `identify`, `type = "track" and …` is simply false.
"""

from collections.abc import Sequence
from typing import Any

from router.rules.fql.closures import Condition, Constant, Reader, all_of, always, any_of, opposite
from router.rules.fql.functions import FUNCTIONS
from router.rules.fql.glob import compile_glob
from router.rules.fql.places import Field, inside
from router.rules.fql.tree import Call, Comparison, Expression, ListOf, Literal, Logic, Not, Path, Value
from router.rules.fql.values import NUMBERS, ORDER, is_in, is_ordered, same

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compile_expression(tree: Expression, field: Field) -> Condition:
    """Return a test of events whose fields stand where `field` says."""
    return always(_condition(tree, field))


def compile_reader(tree: Expression, field: Field) -> Reader:
    """Return what `tree` comes to for events whose fields stand where `field` says: any value, not just a truth."""
    if isinstance(tree, Logic | Not | Comparison):
        return compile_expression(tree, field)
    value = _value(tree, field)
    return (lambda event: value.value) if isinstance(value, Constant) else value


def _condition(tree: Expression, field: Field) -> Condition | bool:
    match tree:
        case Logic(operator="and"):
            return all_of(_condition(operand, field) for operand in tree.operands)
        case Logic():
            return any_of(_condition(operand, field) for operand in tree.operands)
        case Not():
            return opposite(_condition(tree.operand, field))
        case Comparison():
            return _comparison(tree, field)
        case Call() if FUNCTIONS[tree.function].is_bool:
            value = _value(tree, field)
            return bool(value.value) if isinstance(value, Constant) else value
    value = _value(tree, field)
    if isinstance(value, Constant):
        return value.value is True
    return lambda event: value(event) is True


def _comparison(tree: Comparison, field: Field) -> Condition | bool:
    left, right = _value(tree.left, field), _value(tree.right, field)
    if tree.operator == "in":
        return _membership(left, right)
    if tree.operator in ORDER:
        return _order(left, tree.operator, right)
    equality = _equality(left, right)
    return equality if tree.operator == "=" else opposite(equality)


def _equality(left: Reader | Constant, right: Reader | Constant) -> Condition | bool:
    if isinstance(left, Constant):
        if isinstance(right, Constant):
            return same(left.value, right.value)
        left, right = right, left
    if not isinstance(right, Constant):
        return lambda event: same(left(event), right(event))
    wanted = right.value
    if wanted is None or wanted.__class__ is bool:
        return lambda event: left(event) is wanted
    if wanted.__class__ is str or (wanted.__class__ in NUMBERS and wanted not in (0, 1)):
        return lambda event: bool(left(event) == wanted)  # nothing of another type equals it
    return lambda event: same(left(event), wanted)


def _order(left: Reader | Constant, sign: str, right: Reader | Constant) -> Condition | bool:
    if isinstance(left, Constant):
        if isinstance(right, Constant):
            return is_ordered(left.value, sign, right.value)
        left, sign, right = right, _MIRRORED[sign], left
    if not isinstance(right, Constant):
        return lambda event: is_ordered(left(event), sign, right(event))
    limit, holds = right.value, ORDER[sign]
    kinds = NUMBERS if limit.__class__ in NUMBERS else {str} if limit.__class__ is str else ()
    if not kinds:
        return False

    def compare(event: Any) -> bool:
        value = left(event)
        return value.__class__ in kinds and holds(value, limit)

    return compare


def _membership(left: Reader | Constant, right: Reader | Constant) -> Condition | bool:
    if isinstance(right, Constant):
        items = right.value
        if isinstance(left, Constant):
            return is_in(left.value, items)
        if items.__class__ is list and all(item.__class__ is str for item in items):
            strings = frozenset(items)

            def is_among(event: Any) -> bool:
                value = left(event)
                return value.__class__ is str and value in strings

            return is_among
        return lambda event: is_in(left(event), items)
    if isinstance(left, Constant):
        item = left.value
        return lambda event: is_in(item, right(event))
    return lambda event: is_in(left(event), right(event))


def _value(tree: Value, field: Field) -> Reader | Constant:
    match tree:
        case Literal():
            return Constant(tree.value)
        case Path():
            return inside(field(tree.keys[0]), tree.keys[1:])
        case ListOf():
            return _list([_value(item, field) for item in tree.items])
        case Call():
            return _call(tree.function, [_value(argument, field) for argument in tree.arguments])


def _list(items: Sequence[Reader | Constant]) -> Reader | Constant:
    known = [item.value for item in items if isinstance(item, Constant)]
    if len(known) == len(items):
        return Constant(known)
    readers = [_reader(item) for item in items]
    return lambda event: [read(event) for read in readers]


def _call(name: str, arguments: Sequence[Reader | Constant]) -> Reader | Constant:
    call = FUNCTIONS[name].call
    known = [argument.value for argument in arguments if isinstance(argument, Constant)]
    if len(known) == len(arguments):
        return Constant(call(*known))
    if name in ("contains", "match") and isinstance(arguments[1], Constant):
        return _text_test(name, _reader(arguments[0]), arguments[1].value)
    readers = [_reader(argument) for argument in arguments]
    if len(readers) == 1:
        (read,) = readers
        return lambda event: call(read(event))
    return lambda event: call(*[read(event) for read in readers])


def _text_test(name: str, read: Reader, wanted: Any) -> Reader | Constant:
    if wanted.__class__ is not str:
        return Constant(False)
    if name == "match":
        fits = compile_glob(wanted)

        def matches(event: Any) -> bool:
            text = read(event)
            return text.__class__ is str and fits(text)

        return matches

    def contains(event: Any) -> bool:
        text = read(event)
        return text.__class__ is str and wanted in text

    return contains


def _reader(value: Reader | Constant) -> Reader:
    if isinstance(value, Constant):
        known = value.value
        return lambda event: known
    return value
