"""A step of an operator: one thing that happens to an event, and the condition under which it does.

    { rename = { "properties.total" = "properties.revenue" } }
    { drop = ["context.ip"] }    { drop = true, if = 'event = "Heartbeat"' }
    { hash = ["traits.email"], key = "env:HASH_KEY" }    { mask = ["properties.card"], keep = 4 }
    { set = { event = "Order Paid", "properties.currency" = { "@path" = "$.properties.money" } } }
    { cast = { "properties.total" = "number" } }
    { allow = ["properties.total", "properties.items"] }
    { sample = 0.1, by = "userId" }    { route = { only = ["crm"] } }

A step is compiled once to a function of a draft. Fields that an event does not have are no matter.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, field

from router.rules.changes.draft import Draft
from router.rules.changes.place import OPEN, Place, parse_place
from router.rules.changes.refused import ChangeRefused
from router.rules.changes.values import Cast, Encoding, cast, digester, masked, share
from router.rules.fql.filter import Filter, compile_filter
from router.rules.fql.refused import ExpressionRefused
from router.rules.mapping.compiler import compile_mapping
from router.rules.mapping.refused import MappingRefused
from router.rules.profile_paths import ProfilePath, fields_of, paths_of_condition, paths_of_mapping

DROPPED = "dropped_by_step"
SAMPLED = "sampled_out"
Change = Callable[[Draft], str]
"""Changes a draft; returns the reason why the event goes no further, or nothing."""


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """Which destinations get the event; exactly one of the two is named."""

    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step as it is written; exactly one of the first nine is given."""

    rename: dict[str, str] | UnsetType = UNSET
    drop: tuple[str, ...] | bool | UnsetType = UNSET
    hash: tuple[str, ...] | UnsetType = UNSET
    mask: tuple[str, ...] | UnsetType = UNSET
    set: dict[str, Any] | UnsetType = UNSET
    cast: dict[str, Cast] | UnsetType = UNSET
    allow: tuple[str, ...] | UnsetType = UNSET
    sample: float | UnsetType = UNSET
    route: Route | UnsetType = UNSET
    condition: str = field(name="if", default="all")
    key: str = ""
    algorithm: Literal["sha256", "sha512", "sha1", "md5"] = "sha256"
    encoding: Encoding = "hex"
    keep: int = 0
    by: str = "messageId"


_OF = {"key": "hash", "algorithm": "hash", "encoding": "hash", "keep": "mask", "by": "sample"}
"""Options that only one kind of step has."""


def compile_steps(steps: Iterable[Step]) -> Change:
    """All steps as one; raises ChangeRefused with the number of the step and the remedy."""
    changes = []
    for number, step in enumerate(steps, 1):
        try:
            changes.append(_compile(step))
        except ChangeRefused as error:
            raise ChangeRefused(str(error), place=f"step {number}") from None

    def change(draft: Draft) -> str:
        for one in changes:
            if reason := one(draft):
                return reason
        return ""

    return change


def profile_paths_of(steps: Iterable[Step]) -> Iterator[ProfilePath]:
    """What steps that compile read of an event's profile."""
    for step in steps:
        yield from paths_of_condition(step.condition)
        if isinstance(step.set, dict):
            yield from paths_of_mapping(step.set)


def compile_condition(text: str) -> Filter | None:
    """An `if`: FQL, or nothing for the bare word `all`; raises ChangeRefused."""
    if text.strip() == "all":
        return None
    try:
        return compile_filter(text)
    except ExpressionRefused as error:
        raise ChangeRefused(f"is not FQL: {error}", place="if") from None


def _compile(step: Step) -> Change:
    given = [name for name in _MAKERS if getattr(step, name) is not UNSET]
    if len(given) != 1:
        said = f"it says {' and '.join(given)}" if given else "it says nothing"
        raise ChangeRefused(f"{said}; write exactly one of {', '.join(_MAKERS)}")
    for option, owner in _OF.items():
        if owner != given[0] and getattr(step, option) != getattr(_PLAIN, option):
            raise ChangeRefused(f"{option} belongs to {owner}; remove it")
    change = _MAKERS[given[0]](step)
    condition = compile_condition(step.condition)
    if condition is None:
        return change
    holds = condition.matches
    return lambda draft: change(draft) if holds(draft.finish()) else ""


def _rename(step: Step) -> Change:
    pairs = [(parse_place(old), parse_place(new)) for old, new in _members(step.rename)]

    def rename(draft: Draft) -> str:
        for old, new in pairs:
            if hasattr(draft.event, new.attribute):
                value = draft.remove(old)
                if value is not UNSET:
                    draft.write(new, value)
        return ""

    return rename


def _drop(step: Step) -> Change:
    if step.drop is True:
        return lambda draft: DROPPED
    if step.drop is False:
        raise ChangeRefused("drop = false does nothing; remove the step")
    return _each(step.drop, lambda draft, place: draft.remove(place))


def _hash(step: Step) -> Change:
    return _replace(step.hash, digester(step.algorithm, step.key, step.encoding))


def _mask(step: Step) -> Change:
    if step.keep < 0:
        raise ChangeRefused(f"keep = {step.keep} is no number of characters; write 0 or more")
    return _replace(step.mask, lambda value: masked(value, step.keep))


def _set(step: Step) -> Change:
    made = [(parse_place(path), _value(path, value)) for path, value in _members(step.set)]

    def put(draft: Draft) -> str:
        for place, value in made:
            found = value(draft)
            if found is not UNSET:
                draft.write(place, found)
        return ""

    return put


def _value(path: str, value: Any) -> Callable[[Draft], Any]:
    """What is set: the value itself, or what Segment's mapping language makes of the event so far."""
    if not isinstance(value, dict | list):
        return lambda draft: value
    try:
        mapping = compile_mapping({"value": value})
    except MappingRefused as error:
        raise ChangeRefused(str(error), place=path) from None
    fields = fields_of(value)
    return lambda draft: mapping(fields(draft.finish())).get("value", UNSET)


def _cast(step: Step) -> Change:
    kinds = [(parse_place(path), to) for path, to in _members(step.cast)]

    def convert(draft: Draft) -> str:
        for place, to in kinds:
            value = draft.read(place)
            if value is not UNSET and (made := cast(value, to)) is not value:
                draft.write(place, made)
        return ""

    return convert


def _allow(step: Step) -> Change:
    return allow_only([parse_place(path) for path in _named(step.allow)])


def allow_only(places: Iterable[Place]) -> Change:
    """A change that keeps, in the objects that `places` look into, nothing else."""
    by_root: dict[str, list[Place]] = {}
    for place in places:
        if not place.is_open:
            raise ChangeRefused(f"it is not within one of {', '.join(OPEN)}", place=place.text)
        by_root.setdefault(place.root, []).append(place)

    def allow(draft: Draft) -> str:
        for root, allowed in by_root.items():
            kept = [(place, draft.read(place)) for place in allowed]
            draft.replace(root, {})
            for place, value in kept:
                if value is not UNSET:
                    draft.write(place, value)
        return ""

    return allow


def _sample(step: Step) -> Change:
    part = step.sample
    if isinstance(part, UnsetType) or not 0 <= part <= 1:
        raise ChangeRefused(f"sample = {part} is no share; write a number from 0 to 1, e.g. 0.1 for a tenth")
    place = parse_place(step.by, is_written=False)
    return lambda draft: "" if share(draft.read(place)) < part else SAMPLED


def _route(step: Step) -> Change:
    route = step.route
    if isinstance(route, UnsetType) or bool(route.only) == bool(route.never):
        raise ChangeRefused('route needs one of the two; write { only = ["…"] } or { never = ["…"] }')

    def choose(draft: Draft) -> str:
        told = getattr(draft.event, "integrations", {})
        if route.only:  # what the client wrote for one of them may hold options
            made = {"All": False, **{name: told.get(name) or True for name in route.only}}
        else:
            made = {**told, **dict.fromkeys(route.never, False)}
        draft.replace("integrations", made)
        return ""

    return choose


_MAKERS: Mapping[str, Callable[[Step], Change]] = {
    "rename": _rename,
    "drop": _drop,
    "hash": _hash,
    "mask": _mask,
    "set": _set,
    "cast": _cast,
    "allow": _allow,
    "sample": _sample,
    "route": _route,
}
_PLAIN = Step()


def _members(value: dict[str, Any] | UnsetType) -> Iterable[tuple[str, Any]]:
    if isinstance(value, UnsetType) or not value:
        raise ChangeRefused("it names no field; name one")
    return value.items()


def _named(paths: Any) -> Iterable[str]:
    if not paths:
        raise ChangeRefused("it names no field; name one")
    return paths  # type: ignore[no-any-return]


def _each(paths: Any, do: Callable[[Draft, Place], object]) -> Change:
    places = [parse_place(path) for path in _named(paths)]

    def change(draft: Draft) -> str:
        for place in places:
            do(draft, place)
        return ""

    return change


def _replace(paths: Any, made: Callable[[Any], Any]) -> Change:
    def replace(draft: Draft, place: Place) -> None:
        value = draft.read(place)
        if value is not UNSET:
            draft.write(place, made(value))

    return _each(paths, replace)
