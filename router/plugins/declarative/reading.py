"""Reads the file of a declarative destination and makes a class of it; every problem names file, key and remedy."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.declarative.auth_template import declared_auth
from router.plugins.declarative.definition import Definition, MappingDefinition, SettingDefinition
from router.plugins.declarative.destination import DeclarativeDestination, Subscription
from router.plugins.declarative.request_template import RequestTemplate, leaves_the_host_open
from router.plugins.declarative.setting_types import settings_class, type_of
from router.plugins.policies import Policies
from router.plugins.settings import Secret, setting_hook
from router.rules.fql.refused import ExpressionRefused
from router.rules.mapping.compiler import compile_mapping
from router.rules.mapping.refused import MappingRefused
from router.rules.mapping.template import Slot, read_template
from router.rules.profile_paths import fields_of
from router.rules.triggers.trigger import compile_trigger

LARGEST_FILE = 1 << 20
_POLICIES = tuple(one.name for one in fields(Policies))
"""Sections that a file has besides those of its definition, in the words of `router.toml`."""
_SIGNS = frozenset({"kind", "mappings", "request"})
"""Keys that only a definition has at its top."""
_SETTING = re.compile(r"[a-z][a-z0-9_]*")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_definition(file: Path) -> bool:
    """Whether a TOML file defines a destination, or means to; a `router.toml` in the same folder does not.

    One that cannot be read is taken for one, so that the author hears of it.
    """
    try:
        return not _SIGNS.isdisjoint(tomllib.loads(file.read_bytes()[:LARGEST_FILE].decode()))
    except (OSError, ValueError, RecursionError):
        return True


def read_destination(path: str | Path) -> type[DeclarativeDestination]:
    """The destination that the TOML file at `path` defines; raises PluginError with every problem."""
    file = Path(path)
    try:
        content = file.read_bytes()
        if len(content) > LARGEST_FILE:
            raise PluginError(f"{file} is larger than {LARGEST_FILE} bytes; it is no destination")
        data = tomllib.loads(content.decode())
    except OSError as error:
        raise PluginError(f"{file} cannot be read ({error.strerror}); make it readable") from None
    except UnicodeDecodeError:
        raise PluginError(f"{file} is not UTF-8 text; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PluginError(f"{file} is not TOML: {error}; mend that place") from None
    return define(data, str(file), kind=file.stem)


def define(data: Mapping[str, Any], said: str, *, kind: str) -> type[DeclarativeDestination]:
    """The destination that a dictionary of the file's shape defines; `said` names it in errors."""
    problems: list[str] = []
    given = {"kind": kind, **data}
    feeding = {key: given.pop(key) for key in _POLICIES if key in given}
    policies = _converted(feeding, Policies, problems, "")
    definition = _converted(given, Definition, problems, "")
    if definition is None or policies is None:
        raise _refused(said, problems)
    problems += _of_settings(definition.settings)
    compiled = [_subscription(one, definition, problems) for one in definition.mappings]
    if not definition.mappings:
        problems.append("mappings is empty; write a section [[mappings]]")
    named = [one.name for one in definition.mappings]
    problems += [f'mappings: "{one}" is there twice; rename one' for one in {*named} if named.count(one) > 1]
    if definition.idempotency_header and not _HEADER.fullmatch(definition.idempotency_header):
        problems.append('idempotency_header is not the name of a header; write e.g. "Idempotency-Key"')
    problems += _of_auth(definition)
    if problems:
        raise _refused(said, problems)
    types = {one.__struct_config__.tag: one for one in get_args(AnyEvent)}
    members = {
        "__doc__": f"{definition.description}\n\n{', '.join(definition.events or types)}: as its mappings say.",
        "kind": definition.kind,
        "display_name": definition.display_name,
        "other_names": definition.other_names,
        "default_enabled": definition.default_enabled,
        "sample": _sample(definition.settings),
        "sample_secrets": {name: one.example for name, one in definition.settings.items() if one.example},
        "definition": definition,
        "idempotency": definition.idempotency,
        "idempotency_header": definition.idempotency_header or None,
        "settings_made": settings_class(definition.kind, definition.settings),
        "types": tuple(types[one] for one in definition.events or types),
        "subscriptions": tuple(compiled),
        **{name: getattr(policies, name) for name in _POLICIES},
    }
    return type(f"{kind.title()}Destination", (DeclarativeDestination,), members)


def _refused(said: str, problems: list[str]) -> PluginError:
    lines = "\n".join(f"{said}: {problem}" for problem in problems)
    return PluginError(lines)


def _converted(data: Any, kind: type[Any], problems: list[str], place: str) -> Any:
    """`data` as a struct, or None; unknown keys get the nearest name that is known."""
    unknown = [*_unknown(data, kind, place)]
    problems += unknown
    if unknown:
        return None
    try:
        return msgspec.convert(data, kind, strict=True, dec_hook=setting_hook)
    except msgspec.ValidationError as error:
        what, _, inside = str(error).partition(" - at `$")
        where = inside.rstrip("`").lstrip(".") or "the file"
        problems.append(f"{where}: {what[:1].lower()}{what[1:].replace('`', '')}; see plugins/README.md")
        return None


def _unknown(data: Any, kind: type[Any], place: str) -> Iterator[str]:
    if not isinstance(data, Mapping):
        return
    known = {one.encode_name: one.type for one in fields(kind)}
    shown = [*known, *(_POLICIES if kind is Definition else ())]
    for key, value in data.items():
        where = f"{place}{key}"
        if key not in known:
            near = get_close_matches(key, shown, n=1)
            remedy = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(shown)}"
            yield f"{where} is not a known key; {remedy}"
        elif key == "settings" and isinstance(value, Mapping):
            for name, one in value.items():
                yield from _unknown(one, SettingDefinition, f"settings.{name}.")
        elif key == "mappings" and isinstance(value, list):
            for number, one in enumerate(value):
                yield from _unknown(one, MappingDefinition, f"mappings.{number}.")
        elif isinstance(known[key], type) and issubclass(known[key], Struct):
            yield from _unknown(value, known[key], f"{where}.")


def _of_settings(settings: Mapping[str, SettingDefinition]) -> Iterator[str]:
    for name, setting in settings.items():
        place = f"settings.{name}"
        if not _SETTING.fullmatch(name):
            yield f"{place} is not a name; use lower case letters, digits and underscores"
        if setting.type != "text" and (setting.secret or setting.choices or setting.pattern):
            yield f'{place}: only text can be secret or have choices or a pattern; write type = "text"'
            continue
        if setting.secret and setting.choices:
            yield f"{place}: a secret has no choices; take one of the two out"
            continue
        if setting.secret and setting.default is not None:
            yield f"{place}.default would be a secret that everybody knows; take it out"
        try:
            pattern = re.compile(setting.pattern)
        except re.error as error:
            yield f"{place}.pattern is not a regular expression ({error}); mend it"
            continue
        if setting.default is None:
            continue
        try:
            value = msgspec.convert(setting.default, type_of(setting), dec_hook=setting_hook)
        except msgspec.ValidationError:
            yield f"{place}.default is not of the type {setting.type}; write one that is"
            continue
        if setting.pattern and not isinstance(value, Secret) and not pattern.fullmatch(value):
            yield f"{place}.default does not match the pattern; mend one of the two"


def _subscription(
    mapping: MappingDefinition, definition: Definition, problems: list[str]
) -> Subscription | None:
    """A compiled mapping; None when something of it is wrong, which is then among the problems."""
    place = f"mappings.{mapping.name}"
    before = len(problems)
    request = mapping.request.over(definition.request)
    if not request.url:
        problems.append(f"{place}.request.url is missing; add it there or under [request]")
    elif leaves_the_host_open(request.url):
        what = "lets an event choose the host"
        problems.append(f"{place}.request.url {what}; put {{{{payload.…}}}} behind the host")
    is_unused = request.envelope is not None and mapping.request.batch is None
    if request.envelope is None if request.batch == "object" else is_unused:
        problems.append(f'{place}.request: batch = "object" and envelope go together; write both or none')
    for header in request.headers:
        if not _HEADER.fullmatch(header):
            problems.append(f"{place}.request.headers: {header!r} is not the name of a header; mend it")
    trigger = payload = template = None
    try:
        trigger = compile_trigger(mapping.trigger)
    except ExpressionRefused as error:
        problems.append(f"{place}.trigger: {error}")
    try:
        payload = compile_mapping(mapping.payload)
    except MappingRefused as error:
        problems += [f"{place}.payload{problem}" for problem in error.problems]
    try:
        template = RequestTemplate(request)
    except MappingRefused as error:
        problems += [f"{place}.request{problem}" for problem in error.problems]
    if template is not None:
        problems += _of_slots(template.slots(), definition.settings, f"{place}.request")
    if trigger is None or payload is None or template is None or len(problems) > before:
        return None
    return Subscription(mapping.name, trigger, payload, fields_of(mapping.payload), template)


def _of_auth(definition: Definition) -> Iterator[str]:
    if definition.auth is None:
        return
    try:
        declared_auth(definition.auth, {})
    except msgspec.ValidationError as error:
        yield f"auth: {error}; see `router/plugins/auth.py` for the kinds and their keys"
    for key, text in definition.auth.items():
        pieces = read_template(text) if isinstance(text, str) else ()
        slots = [piece for piece in pieces if isinstance(piece, Slot)]
        yield from _of_slots(slots, definition.settings, f"auth.{key}", roots=("settings",))


def _of_slots(
    slots: Iterable[Slot],
    settings: Mapping[str, SettingDefinition],
    place: str,
    *,
    roots: tuple[str, ...] = ("settings", "payload"),
) -> Iterator[str]:
    for slot in slots:
        root, *rest = slot.keys or ("",)
        if root not in roots:
            known = " or ".join(f"{{{{{one}.…}}}}" for one in roots)
            yield f"{place}: {{{{{slot.path}}}}} is nothing; write {known}"
        elif root == "settings" and rest and rest[0] not in settings:
            near = get_close_matches(rest[0], settings, n=1, cutoff=0) or ["none"]
            yield f'{place}: there is no setting "{rest[0]}"; did you mean "{near[0]}"?'


def _sample(settings: Mapping[str, SettingDefinition]) -> str:
    """A working configuration: what must be set."""
    examples = {"whole": "1", "number": "1.0", "boolean": "true", "duration": '"5s"', "size": '"1MiB"'}
    lines = []
    for name, setting in settings.items():
        if not setting.is_required:
            continue
        text = (
            f'"env:{name.upper()}"'
            if setting.secret
            else f'"{setting.choices[0] if setting.choices else setting.example or name}"'
        )
        lines.append(f"settings.{name} = {examples.get(setting.type, text)}\n")
    return "".join(lines)
