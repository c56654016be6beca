"""What each directive makes of an event (protocols 9), and what is refused when a mapping is read."""

from typing import Any

import pytest
from msgspec import UNSET

from router.rules.mapping.compiler import compile_mapping
from router.rules.mapping.failed import MappingFailed
from router.rules.mapping.refused import MappingRefused

EVENT: dict[str, Any] = {
    "event": "Ride Ended",
    "properties": {
        "km": 7.0,
        "free": False,
        "none": None,
        "empty": "",
        "zero": 0,
        "id": 9007199254740993,
        "tags": ["a", ["b", None], {"c": 1.0}],
        "stops": [{"name": "A", "fee": None}, {"name": "B"}],
        "place": {"city": "Århus", "geo": {"lat": 56.5, "lon": None}},
    },
}


def field(value: object, event: dict[str, Any] | None = None) -> Any:
    """What a mapping of one field makes of it; UNSET when it is left out."""
    made = compile_mapping({"field": value})(EVENT if event is None else event)
    return made.get("field", UNSET)


PATH_KM = {"@path": "$.properties.km"}
NOWHERE = {"@path": "$.nowhere"}
ROWS: list[tuple[object, object]] = [
    ({"@path": "$.properties.km"}, 7.0),
    ({"@path": "properties.place.city"}, "Århus"),
    ({"@path": "$.properties.stops[1].name"}, "B"),
    ({"@path": "$.properties.stops[9].name"}, UNSET),
    ({"@path": "$.properties['place'][\"city\"]"}, "Århus"),
    ({"@path": "$.properties.tags.length"}, 3),
    ({"@path": "$.event.length"}, 10),
    ({"@path": "$.properties.none"}, None),
    ({"@path": "$.properties.none.deeper"}, None),
    ({"@path": "$.properties.zero.deeper"}, 0),
    ({"@path": "$.properties.km.deeper"}, UNSET),
    (NOWHERE, UNSET),
    ({"@template": "{{event}} of {{properties.km}} km"}, "Ride Ended of 7 km"),
    ({"@template": "[{{nowhere}}{{{ properties.none }}}]"}, "[]"),
    ({"@template": "{{properties.place}}"}, '{"city":"Århus","geo":{"lat":56.5,"lon":null}}'),
    ({"@template": "{{properties.tags}}"}, 'a,b,,{"c":1}'),
    ({"@template": "{{properties.id}}"}, "9007199254740993"),
    ({"@template": "{{properties.free}} {{}} {{a}"}, "false {{}} {{a}"),
    ({"@literal": {"@path": "$.event"}}, "Ride Ended"),
    ({"@literal": "{{event}}"}, "{{event}}"),
    ({"@if": {"exists": PATH_KM, "then": 1, "else": 2}}, 1),
    ({"@if": {"exists": NOWHERE, "then": 1, "else": 2}}, 2),
    ({"@if": {"exists": {"@path": "$.properties.empty"}, "then": 1, "else": 2}}, 1),
    ({"@if": {"exists": NOWHERE, "then": 1, "else": 0}}, UNSET),
    ({"@if": {"exists": PATH_KM, "then": 0}}, 0),
    ({"@if": {"exists": PATH_KM, "else": 2}}, UNSET),
    ({"@if": {"blank": PATH_KM, "then": 1, "else": 2}}, 1),
    ({"@if": {"blank": {"@path": "$.properties.zero"}, "then": 1, "else": 2}}, 2),
    ({"@if": {"blank": {"@path": "$.properties.free"}, "then": 1, "else": 2}}, 2),
    ({"@if": {"blank": {"@path": "$.properties.place"}, "then": 1, "else": 2}}, 1),
    ({"@case": {"operator": "upper", "value": {"@path": "$.event"}}}, "RIDE ENDED"),
    ({"@case": {"operator": "lower", "value": PATH_KM}}, 7.0),
    ({"@case": {"operator": "lower"}}, UNSET),
    ({"@replace": {"pattern": ".", "replacement": ",", "value": "1.5.2"}}, "1,5,2"),
    (
        {"@replace": {"pattern": "e", "replacement": "", "value": {"@path": "$.event"}, "global": False}},
        "Rid Ended",
    ),
    (
        {
            "@replace": {
                "pattern": "E",
                "replacement": "[$&$$]",
                "value": {"@path": "$.event"},
                "ignorecase": True,
            }
        },
        "Rid[e$] [E$]nd[e$]d",
    ),
    ({"@replace": {"pattern": "7", "replacement": "8", "value": PATH_KM}}, "8"),
    ({"@replace": {"pattern": "a", "value": {"@path": "$.properties.place"}}}, ""),
    ({"@replace": {"pattern": "a", "value": NOWHERE}}, ""),
    (
        {"@arrayPath": ["$.properties.stops", {"n": {"@path": "$.name"}, "f": {"@path": "$.fee"}}]},
        [{"n": "A", "f": None}, {"n": "B"}],
    ),
    ({"@arrayPath": ["$.properties.place", {"c": {"@path": "$.city"}}]}, [{"c": "Århus"}]),
    ({"@arrayPath": ["$.properties.stops", {"@path": "$.fee"}]}, [None, None]),
    ({"@arrayPath": ["$.properties.km", {"c": 1}]}, 7.0),
    ({"@arrayPath": ["$.nowhere", {"c": 1}]}, UNSET),
    (
        {"@flatten": {"value": {"@path": "$.properties.place"}, "separator": "_"}},
        {"city": "Århus", "geo_lat": 56.5, "geo_lon": None},
    ),
    (
        {"@flatten": {"value": {"@path": "$.properties.tags"}, "separator": "."}},
        {"0": "a", "1.0": "b", "1.1": None, "2.c": 1.0},
    ),
    ({"@flatten": {"value": PATH_KM, "separator": "."}}, {"": 7.0}),
    ({"@json": {"mode": "encode", "value": {"@path": "$.properties.place.geo"}}}, '{"lat":56.5,"lon":null}'),
    ({"@json": {"mode": "encode", "value": [NOWHERE, PATH_KM, 1e21, 1e-7]}}, "[null,7,1e+21,1e-7]"),
    ({"@json": {"mode": "decode", "value": '{"a":[1]}'}}, {"a": [1]}),
    ({"@json": {"mode": "decode", "value": "{a"}}, "{a"),
    ({"@json": {"mode": "decode", "value": "NaN"}}, "NaN"),
    ({"@merge": {"direction": "right", "objects": [{"a": 1, "b": 1}, {"b": PATH_KM}]}}, {"a": 1, "b": 7.0}),
    ({"@merge": {"direction": "left", "objects": [{"a": 1, "b": 1}, {"b": PATH_KM}]}}, {"a": 1, "b": 1}),
    ({"@merge": {"direction": "right", "objects": [{"a": 1, "b": 1}, {"b": NOWHERE}]}}, {"a": 1}),
    (
        {"@merge": {"direction": "right", "objects": [{"a": 1}, NOWHERE, {"@path": "$.properties.none"}]}},
        {"a": 1},
    ),
    (
        {
            "@transform": {
                "apply": {"k": PATH_KM},
                "mapping": {"all": {"@path": "$."}, "km": {"@path": "$.k"}},
            }
        },
        {"all": {"k": 7.0}, "km": 7.0},
    ),
    ({"@excludeWhenNull": {"@path": "$.properties.none"}}, UNSET),
    ({"@excludeWhenNull": {"@path": "$.properties.place"}}, {"city": "Århus", "geo": {"lat": 56.5}}),
    ({"@excludeWhenNull": {"@path": "$.properties.stops"}}, [{"name": "A", "fee": None}, {"name": "B"}]),
    ({"@liquid": "{{ event | upcase }} {{ properties.km }}"}, "RIDE ENDED 7"),
    ({"@liquid": "{% if properties.free %}free{% else %}{{ nowhere }}paid{% endif %}"}, "paid"),
    ({"@liquid": "{{ properties.place }}"}, '{"city":"Århus","geo":{"lat":56.5,"lon":null}}'),
    ({"@liquid": "{% increment n %}{% increment n %}{% decrement m %}"}, "01-1"),
    ({"@liquid": "{{ properties.tags | join: '-' }}{{ 10 | divided_by: 4 }}"}, 'a-b-{"c":1}2.5'),
    ({"@liquid": ""}, ""),
    ({"a": NOWHERE, "b": None, "c": [NOWHERE, 1]}, {"b": None, "c": [None, 1]}),
    ({"@path": "$.event", "_metadata": {"label": "x"}}, "Ride Ended"),
]


@pytest.mark.parametrize(("value", "made"), ROWS)
def test_protocols_21_a_directive_makes_of_an_event_what_the_table_says(value: object, made: object) -> None:
    assert field(value) == made


def test_a_root_directive_takes_the_other_keys_as_its_mapping() -> None:
    mapping = {
        "__segment_internal_directive": {"@transform": {"apply": {"p": {"@path": "$.properties"}}}},
        "km": {"@path": "$.p.km"},
    }

    assert compile_mapping(mapping)(EVENT) == {"km": 7.0}


def test_an_event_is_not_changed() -> None:
    before = repr(EVENT)

    for value, _ in ROWS:
        field(value)

    assert repr(EVENT) == before


def test_what_an_event_says_is_not_read_as_a_template() -> None:
    event = {"a": "{{secret}}", "secret": "s3cret"}

    assert field({"@template": "{{{a}}}"}, event) == "{{secret}}"
    assert field({"@liquid": "{{ a }}"}, event) == "{{secret}}"


@pytest.mark.parametrize("key", ["constructor", "__proto__", "toString", "__class__", "items", "prototype.x"])
def test_a_path_finds_nothing_that_the_event_does_not_have(key: str) -> None:
    for root in ("$.properties.place", "$.properties.tags", "$.event", "$.properties.km", "$"):
        assert field({"@path": f"{root}.{key}"}) is UNSET
    assert field({"@path": f"$.{key}"}, {key: 1, "prototype": {"x": 1}}) == 1


@pytest.mark.parametrize("data", [None, [], "text", 1, UNSET])
def test_only_an_object_can_be_mapped(data: Any) -> None:
    with pytest.raises(MappingFailed, match="only an object can be mapped"):
        compile_mapping({"a": 1})(data)


def test_a_path_that_is_computed_must_be_text() -> None:
    with pytest.raises(MappingFailed, match="@path needs text, and the directive inside gave a number"):
        field({"@path": PATH_KM})


REFUSED: list[tuple[object, str]] = [
    ({"@path": "$.a", "@case": {}}, "/field has @path, @case side by side; keep one key"),
    ({"@path": "$.a", "b": 1}, "/field has @path, b side by side"),
    ([{"@path": "$.a", "@case": {}}], "/field/0 has @path, @case side by side"),
    ({"@nope": 1}, "/field/@nope is not a directive; known are @path, @template"),
    ({"@path": 1}, "/field/@path must be text or a directive, not a number"),
    ({"@template": ["{{a}}"]}, "/field/@template must be text or a directive, not a list"),
    ({"@if": {"then": 1}}, '/field/@if has neither "exists" nor "blank"'),
    ({"@if": {"exists": False, "then": 1}}, '/field/@if has neither "exists" nor "blank"'),
    ({"@if": {"exists": {"@path": "$.a"}, "then": {"@bad": 1}}}, "/field/@if/then/@bad is not a directive"),
    ({"@case": {"operator": "title", "value": "x"}}, '/field/@case/operator cannot be "title"; write one of'),
    (
        {"@case": {"operator": "lower", "value": 5}},
        "/field/@case/value must be text or a directive, not a number",
    ),
    (
        {"@replace": {"pattern": "12345678901", "value": "x"}},
        "/field/@replace/pattern has more than 10 characters",
    ),
    ({"@replace": {"value": "x"}}, "/field/@replace/pattern is missing or empty"),
    ({"@replace": {"pattern": "a"}}, "/field/@replace/value is missing"),
    (
        {"@replace": {"pattern": "a", "value": "x", "global": 1}},
        "/field/@replace/global must be true or false",
    ),
    ({"@arrayPath": "$.a"}, "/field/@arrayPath must be a list of a path and a shape, not text"),
    ({"@arrayPath": [5]}, "/field/@arrayPath/0 must be a path or a directive, not a number"),
    ({"@arrayPath": ["$.a", 5]}, "/field/@arrayPath/1 must be an object, not a number"),
    ({"@flatten": {"value": 1}}, "/field/@flatten/separator is missing or empty"),
    ({"@flatten": {"separator": "."}}, "/field/@flatten/value is missing"),
    ({"@json": {"mode": "encode"}}, "/field/@json/value is missing or empty"),
    ({"@merge": {"objects": []}}, "/field/@merge/direction is missing; write one of left, right"),
    ({"@transform": {"apply": {}}}, "/field/@transform/mapping is missing"),
    ({"@liquid": "x" * 1001}, "/field/@liquid has more than 1000 characters"),
    ({"@liquid": "{% for a in b %}{% endfor %}"}, "/field/@liquid is not a template"),
    ({"@liquid": "{{ a | sort }}"}, "/field/@liquid uses the filter 'sort', which is disabled"),
    ({"@liquid": "{{ a | nope }}"}, "/field/@liquid uses the filter 'nope', which is not known"),
    ({"@liquid": "{{ a"}, "/field/@liquid is not a template"),
    (float("nan"), "/field is nan, which JSON does not have"),
    (b"bytes", "/field is a bytes, which JSON does not have"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_protocols_22_a_wrong_mapping_is_refused_with_the_place_and_a_remedy(
    value: object, message: str
) -> None:
    with pytest.raises(MappingRefused) as caught:
        compile_mapping({"field": value})

    assert str(caught.value).startswith(message)
    assert all(problem.remedy for problem in caught.value.problems)


def test_protocols_22_every_problem_of_a_mapping_is_found_in_one_go() -> None:
    with pytest.raises(MappingRefused) as caught:
        compile_mapping({"a": {"@path": 1}, "b": {"c": {"@nope": 1}}, "d": {"@json": {}}})

    assert [problem.place for problem in caught.value.problems] == [
        ("a", "@path"),
        ("b", "c", "@nope"),
        ("d", "@json", "mode"),
        ("d", "@json", "value"),
    ]


@pytest.mark.parametrize("mapping", [None, [], "text", 5])
def test_a_mapping_must_be_an_object(mapping: object) -> None:
    with pytest.raises(MappingRefused, match="/ must be an object"):
        compile_mapping(mapping)
