"""Reads a tracking plan from JSON: a file of the operator's, the Public API's list of rules, an export of Segment's.

All of them are an object with `rules`, perhaps inside `data`, `trackingPlan` or `tracking_plan`. A plan may name itself
beside its rules. What Segment exported from the old Config API has groups instead (`rules.events`, `rules.global`,
`rules.identify`, `rules.group`), and is read too.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from router.rules.json_places import place_of
from router.rules.plan.faults import schema_faults
from router.rules.plan.plan import Plan
from router.rules.plan.refused import Fault, PlanRefused
from router.rules.plan.rule import KEYLESS, RULE_TYPES, Rule

MOST_BYTES = 15 << 20
MOST_RULES = 2000
MOST_RULES_OF_A_CALL = 200
"""What one request of the Public API may carry."""
MOST_FAULTS = 50
"""So many faults are told at once."""
_LONGEST_KEY = 1000
_Path = tuple[str | int, ...]
_Entry = tuple[Any, _Path, _Path]
"""A rule, where it stands, and where in it its schema."""
_WRAPPERS = ("data", "trackingPlan", "tracking_plan")
_OLD_TYPES = {"identify": "IDENTIFY", "group": "GROUP", "global": "COMMON", "common": "COMMON"}


def read_plan(text: bytes, *, name: str = "", most_rules: int = MOST_RULES) -> Plan:
    """The plan in `text`, called `name` if it does not say so itself; raises PlanRefused with every fault."""
    if len(text) > MOST_BYTES:
        what = f"is larger than {MOST_BYTES >> 20} MiB"
        raise PlanRefused([Fault("", what, "a plan is a list of rules; split it, or name the right file")])
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        what = "is empty" if not text.strip() else f"is not JSON: {error}"
        raise PlanRefused([Fault("", what, 'write {"rules": […]}', at=_fault_in(text))]) from None
    try:
        return plan_of(data, name=name, most_rules=most_rules)
    except PlanRefused as refused:
        letters = text.decode()
        placed = [replace(one, at=place_of(letters, one.path)) for one in refused.faults]
        raise PlanRefused(placed) from None


def plan_of(data: Any, *, name: str = "", most_rules: int = MOST_RULES) -> Plan:
    """The plan in decoded JSON; raises PlanRefused with every fault."""
    about, begin = _unwrapped(data)
    rules = about.get("rules") if isinstance(about, Mapping) else about
    begin = begin if isinstance(about, list) else (*begin, "rules")
    entries: list[_Entry] | None = None
    if isinstance(rules, Mapping):
        entries = list(_old_rules(rules, begin))
    elif isinstance(rules, list):
        entries = [(one, (*begin, index), ("jsonSchema",)) for index, one in enumerate(rules)]
    if entries is None or not isinstance(about, (Mapping, list)):
        raise PlanRefused([Fault("", "has no list of rules", 'write {"rules": […]}')])
    if not entries:
        what = "plans nothing: its list of rules is empty"
        raise PlanRefused([Fault("", what, "write a rule, or `router plan infer SOURCE` proposes some")])
    if len(entries) > most_rules:
        what = f"has {len(entries)} rules, and {most_rules} is the limit"
        raise PlanRefused([Fault("", what, "split it")])
    faults: list[Fault] = []
    made: dict[tuple[str, str, int], Rule] = {}
    for index, (entry, path, inside) in enumerate(entries):
        wrong: list[Fault] = []
        rule = _rule(entry, f"rule {index + 1}", wrong)
        faults += [replace(one, path=(*path, *one.path)) for one in wrong]
        if rule is None:
            continue
        if made.setdefault((rule.type, rule.key, rule.version), rule) is not rule:
            faults.append(Fault(str(rule), "is there twice", "give the newer one a higher version", path))
        found = schema_faults(rule.schema, str(rule))
        faults += [replace(one, path=(*path, *inside, *one.path)) for one in found]
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise PlanRefused(faults[:MOST_FAULTS])
    told = about if isinstance(about, Mapping) else {}
    return Plan(made.values(), id=_text(told.get("id")), name=_text(told.get("name")) or name)


def _fault_in(text: bytes) -> tuple[int, int] | None:
    """Where text is not JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.lineno, error.colno
    except (ValueError, RecursionError):  # it is not even text
        pass
    return None


def _unwrapped(data: Any) -> tuple[Any, _Path]:
    path: _Path = ()
    for _ in _WRAPPERS:
        for wrapper in _WRAPPERS:
            if isinstance(data, Mapping) and "rules" not in data and wrapper in data:
                data, path = data[wrapper], (*path, wrapper)
    return data, path


def _old_rules(rules: Mapping[str, Any], begin: _Path) -> Iterator[_Entry]:
    """Rules as the old Config API groups them."""
    for index, event in enumerate(rules.get("events") or ()):
        path = (*begin, "events", index)
        if isinstance(event, Mapping):
            rule = {
                "type": "TRACK",
                "key": event.get("name"),
                "version": event.get("version", 1),
                "jsonSchema": event.get("rules", {}),
            }
            yield rule, path, ("rules",)
        else:
            yield event, path, ()
    for group, kind in _OLD_TYPES.items():
        if rules.get(group):
            yield {"type": kind, "jsonSchema": rules[group]}, (*begin, group), ()


def _rule(entry: Any, place: str, faults: list[Fault]) -> Rule | None:
    if not isinstance(entry, Mapping):
        faults.append(Fault(place, "is no object", 'write {"type": "TRACK", "key": …, "jsonSchema": {…}}'))
        return None
    kind, key, version = entry.get("type"), entry.get("key") or "", entry.get("version", 1)
    schema = entry.get("jsonSchema")
    before = len(faults)
    if kind not in RULE_TYPES:
        faults.append(
            Fault(place, f"has the type {_shown(kind)}", f"write one of {', '.join(RULE_TYPES)}", ("type",))
        )
    if not isinstance(key, str) or len(key) > _LONGEST_KEY:
        faults.append(
            Fault(place, "has a key that is no name", "write the exact name of the event", ("key",))
        )
    elif kind == "TRACK" and not key:
        faults.append(Fault(place, "has no key", "write the exact name of the event"))
    elif kind in KEYLESS and key:
        what = f"has the key {_shown(key)}, but a rule of the type {kind} is for all events"
        faults.append(Fault(place, what, "leave the key out", ("key",)))
    if isinstance(version, float) and version.is_integer():
        version = int(version)
    if type(version) is not int or version < 0:
        faults.append(
            Fault(place, f"has the version {_shown(version)}", "write a whole number, e.g. 1", ("version",))
        )
    if not isinstance(schema, dict):
        faults.append(
            Fault(place, "has no jsonSchema", 'write e.g. "jsonSchema": {"type": "object"}', ("jsonSchema",))
        )
    if len(faults) > before or not isinstance(schema, dict):
        return None
    return Rule(kind, key, version, schema)  # type: ignore[arg-type]


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:80]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
