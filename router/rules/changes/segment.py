"""Segment's transformations, as its Public API writes them (protocols 10): read, judged, compiled.

    {"if": "event = 'Order'", "newEventName": "Order Paid", "propertyRenames": [{"oldName": "a", "newName": "b"}]}

A path begins with `properties`, `traits` or `context`; one that does not is within the event's own properties or
traits. Several that fit an event do not see each other's work: conditions, values and what is renamed are read from
the event as it came. What is hashed, and what is allowed to stay, is looked for in what the others made of it, so
that nothing slips through under another name.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, field

from router.events.calls import AnyEvent
from router.rules.changes.draft import Draft
from router.rules.changes.place import Place, parse_place, split_path
from router.rules.changes.refused import ChangeRefused
from router.rules.changes.step import allow_only
from router.rules.changes.values import Encoding, digester
from router.rules.fql.derived import compile_derived
from router.rules.fql.filter import Filter, compile_filter
from router.rules.fql.refused import ExpressionRefused
from router.rules.profile_paths import ProfilePath, paths_of_condition

MOST_VALUES = 10
"""Value transformations of one transformation, and paths of one of those."""
DROPPED = "dropped_by_transformation"
_ABSOLUTE = ("properties", "traits", "context")
_OWN = ("properties", "traits")
_WORDS = ("event", "name", "category", "userId", "anonymousId", "channel")
_ENCODINGS: dict[str, Encoding] = {
    "BASE16": "hex",
    "HEX": "hex",
    "BASE64": "base64",
    "BASE64URL": "base64url",
}
_ALGORITHMS = {"SHA256": "sha256", "SHA512": "sha512", "SHA1": "sha1", "MD5": "md5"}


class Rename(Struct, frozen=True, rename="camel"):
    """A property that gets another name."""

    old_name: str
    new_name: str


class ValueChange(Struct, frozen=True, rename="camel"):
    """Properties that get a fixed value."""

    property_paths: tuple[str, ...]
    property_value: str | int | float | bool | None


class DerivedProperty(Struct, frozen=True, rename="camel"):
    """A property whose value FQL derives from the event."""

    fql: str
    property_name: str


class HashChange(Struct, frozen=True, rename="camel"):
    """Properties whose values are replaced by digests."""

    algorithm: str
    encoding: Literal["BASE16", "HEX", "BASE64", "BASE64URL"]
    paths: tuple[str, ...]
    key: str = ""


class SegmentTransformation(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One transformation as the API gives and takes it."""

    id: str = ""
    name: str = ""
    source_id: str = ""
    destination_metadata_id: str | None = None
    """The type of destination it is for; None for all that a source keeps."""
    enabled: bool = True
    condition: str = field(name="if")
    new_event_name: str | None = None
    property_renames: tuple[Rename, ...] = ()
    property_value_transformations: tuple[ValueChange, ...] = ()
    fql_defined_properties: tuple[DerivedProperty, ...] = ()
    allow_properties: tuple[str, ...] = ()
    hash_properties_configuration: HashChange | None = None
    drop: bool = False


class TransformationProblem(Struct, frozen=True):
    """What is wrong with a transformation: which field of it, and the remedy."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def read_transformations(text: str | bytes) -> list[SegmentTransformation]:
    """The transformations in JSON: a list, one alone, or what the API answers. Raises ChangeRefused."""
    try:
        found = msgspec.json.decode(text)
        for name in ("data", "transformations"):
            found = found.get(name, found) if isinstance(found, dict) else found
        if isinstance(found, dict):
            found = [found.get("transformation", found)]
        return msgspec.convert(found, list[SegmentTransformation])
    except msgspec.ValidationError as error:
        raise ChangeRefused(f"it is no list of transformations: {error}") from None
    except msgspec.DecodeError as error:
        raise ChangeRefused(f"it is no JSON: {error}") from None


def problems_of(one: SegmentTransformation) -> Iterator[TransformationProblem]:
    """Everything that is wrong with a transformation by itself; the API answers 422 with it."""
    condition: Filter | None = None
    try:
        condition = _condition(one)
    except ExpressionRefused as error:
        yield TransformationProblem("if", f"is not FQL: {error}")
    values, derived = one.property_value_transformations, one.fql_defined_properties
    if len(values) > MOST_VALUES:
        yield TransformationProblem(
            "propertyValueTransformations", f"has {len(values)}; {MOST_VALUES} at most"
        )
    for value in values:
        if not 0 < len(value.property_paths) <= MOST_VALUES:
            said = f"has {len(value.property_paths)} paths; write 1 to {MOST_VALUES}"
            yield TransformationProblem("propertyValueTransformations", said)
    if len(derived) > 1:
        yield TransformationProblem("fqlDefinedProperties", f"has {len(derived)}; 1 at most")
    if derived and (one.property_renames or values):
        said = "cannot stand beside propertyRenames or propertyValueTransformations; make two transformations"
        yield TransformationProblem("fqlDefinedProperties", said)
    for item in derived:
        try:
            compile_derived(item.fql)
        except ExpressionRefused as error:
            yield TransformationProblem("fqlDefinedProperties", f"is not FQL: {error}")
    if one.new_event_name == "":
        yield TransformationProblem("newEventName", "is empty; leave it out to keep the name")
    if one.new_event_name and condition is not None and not _may_be_track(one.condition):
        yield TransformationProblem("newEventName", "belongs to track events; remove it, or mend the if")
    yield from _path_problems(one)
    configuration = one.hash_properties_configuration
    if configuration is not None and configuration.algorithm.upper().replace("-", "") not in _ALGORITHMS:
        known = ", ".join(_ALGORITHMS)
        said = f'has the algorithm "{configuration.algorithm}"; write one of {known}'
        yield TransformationProblem("hashPropertiesConfiguration", said)
    if not _does_something(one):
        yield TransformationProblem("if", "nothing is done to the events; say what")


def conflicts_of(every: Sequence[SegmentTransformation]) -> Iterator[tuple[int, TransformationProblem]]:
    """What several have against each other: there is one for each source, condition and type of destination."""
    seen: dict[tuple[str, str, str | None], int] = {}
    for number, one in enumerate(every):
        condition = " ".join(one.condition.split()).replace('"', "'")
        first = seen.setdefault((one.source_id, condition, one.destination_metadata_id), number)
        if first != number:
            other = every[first].name or every[first].id or f"number {first + 1}"
            said = f"there is a transformation for the same events already: {other}; put both into one"
            yield number, TransformationProblem("if", said)


def compile_group(every: Iterable[SegmentTransformation]) -> Callable[[AnyEvent], AnyEvent | str]:
    """All that are enabled as one function: the changed event, or the reason why it is dropped.

    They are given in the order of their creation, and have no problems.
    """
    compiled = [(_condition(one), _compile(one)) for one in every if one.enabled]

    def transform(event: AnyEvent) -> AnyEvent | str:
        fitting = [change for condition, change in compiled if condition is None or condition.matches(event)]
        if not fitting:
            return event
        draft = Draft(event)
        for change in fitting:
            if change.drops:
                return DROPPED
            for old in change.taken:
                draft.remove(old)
        for change in fitting:
            for first in change.first:
                first(draft)
        for change in fitting:
            for last in change.last:
                last(draft)
        return draft.finish()

    return transform


def profile_paths_of(every: Iterable[SegmentTransformation]) -> Iterator[ProfilePath]:
    """What those that are enabled read of an event's profile."""
    for one in every:
        if one.enabled:
            yield from paths_of_condition(one.condition)
            for derived in one.fql_defined_properties:
                yield from paths_of_condition(derived.fql)


class _Compiled(Struct, frozen=True):
    drops: bool = False
    taken: tuple[Place, ...] = ()
    """What is renamed, and must be gone before anything is written."""
    first: tuple[Callable[[Draft], object], ...] = ()
    last: tuple[Callable[[Draft], object], ...] = ()


def _compile(one: SegmentTransformation) -> _Compiled:
    if one.drop:
        return _Compiled(drops=True)
    first: list[Callable[[Draft], object]] = []
    last: list[Callable[[Draft], object]] = []
    if one.new_event_name:
        first.append(_writer(parse_place("event"), one.new_event_name))
    for rename in one.property_renames:
        first += [
            _renamer(old, new)
            for old, new in zip(_places(rename.old_name), _places(rename.new_name), strict=True)
        ]
    for change in one.property_value_transformations:
        for path in change.property_paths:
            first += [_writer(place, change.property_value) for place in _places(path)]
    for derived in one.fql_defined_properties:
        value = compile_derived(derived.fql)
        first += [_deriver(place, value) for place in _places(derived.property_name)]
    configuration = one.hash_properties_configuration
    if configuration is not None:
        algorithm = _ALGORITHMS[configuration.algorithm.upper().replace("-", "")]
        digest = digester(algorithm, configuration.key, _ENCODINGS[configuration.encoding])
        last += [_hasher(place, digest) for path in configuration.paths for place in _places(path)]
    if one.allow_properties:
        last.insert(0, allow_only([place for path in one.allow_properties for place in _places(path)]))
    taken = [old for rename in one.property_renames for old in _places(rename.old_name)]
    return _Compiled(taken=tuple(taken), first=tuple(first), last=tuple(last))


def _condition(one: SegmentTransformation) -> Filter | None:
    return None if one.condition.strip() == "all" else compile_filter(one.condition)


def _places(path: str) -> tuple[Place, Place]:
    """Where `path` stands: within the event's own properties or traits where it does not say which."""
    root = split_path(path)[0]
    if root in _ABSOLUTE or path in _WORDS:
        place = parse_place(path)
        return (place, place)
    properties, traits = _OWN
    return parse_place(f"{properties}.{path}"), parse_place(f"{traits}.{path}")


def _writer(place: Place, value: Any) -> Callable[[Draft], object]:
    return lambda draft: draft.write(place, value)


def _renamer(old: Place, new: Place) -> Callable[[Draft], object]:
    def rename(draft: Draft) -> None:
        value = Draft(draft.event).read(old)
        if value is not UNSET:
            draft.write(new, value)

    return rename


def _deriver(place: Place, value: Callable[[AnyEvent], Any]) -> Callable[[Draft], object]:
    return lambda draft: draft.write(place, value(draft.event))


def _hasher(place: Place, digest: Callable[[Any], str]) -> Callable[[Draft], object]:
    def hashed(draft: Draft) -> None:
        value = draft.read(place)
        if value is not UNSET:
            draft.write(place, digest(value))

    return hashed


def _path_problems(one: SegmentTransformation) -> Iterator[TransformationProblem]:
    configuration = one.hash_properties_configuration
    renames = [name for rename in one.property_renames for name in (rename.old_name, rename.new_name)]
    values = [path for change in one.property_value_transformations for path in change.property_paths]
    derived = [item.property_name for item in one.fql_defined_properties]
    hashed = [] if configuration is None else configuration.paths
    for name, paths, may_be_word in (
        ("propertyRenames", renames, False),
        ("propertyValueTransformations", values, True),
        ("fqlDefinedProperties", derived, False),
        ("allowProperties", one.allow_properties, False),
        ("hashPropertiesConfiguration", hashed, False),
    ):
        for path in paths:
            try:
                place = _places(path)[0]
            except ChangeRefused as error:
                yield TransformationProblem(name, str(error))
                continue
            if not place.is_open and not may_be_word:
                yield TransformationProblem(name, f"{path}: it is neither in properties nor in traits")
            elif name == "propertyRenames" and place.root not in _OWN:
                yield TransformationProblem(
                    name, f"{path}: only what is in properties or traits can be renamed"
                )
            elif "$" in place.keys:
                yield TransformationProblem(name, f"{path}: what is in a list cannot be reached; remove it")
    for rename in one.property_renames:
        roots = {split_path(path)[0] for path in (rename.old_name, rename.new_name) if path.strip(".")} & {
            *_OWN
        }
        if len(roots) > 1:
            said = (
                f"{rename.old_name}: it cannot leave {split_path(rename.old_name)[0]}; keep both names there"
            )
            yield TransformationProblem("propertyRenames", said)
    for name, paths in (("propertyRenames", [one.old_name for one in one.property_renames]),
                        ("propertyValueTransformations", values)):  # fmt: skip
        for path in sorted({path for path in paths if paths.count(path) > 1}):
            yield TransformationProblem(name, f"{path} stands there twice; remove one")
    for path in sorted({*values} & {*renames}):
        said = f"{path} is a name of propertyRenames too; change the value under another name"
        yield TransformationProblem("propertyValueTransformations", said)


def _may_be_track(condition: str) -> bool:
    """Whether an `if` may fit a track event; `type = 'identify'` and the like do not."""
    plain = "".join(condition.split()).replace('"', "'")
    return not (plain.startswith("type='") and plain.count("'") == 2 and plain != "type='track'")


def _does_something(one: SegmentTransformation) -> bool:
    return bool(
        one.drop
        or one.new_event_name
        or one.property_renames
        or one.property_value_transformations
        or one.fql_defined_properties
        or one.allow_properties
        or one.hash_properties_configuration
    )
