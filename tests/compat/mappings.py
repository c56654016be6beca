"""Makes mappings and events at random: valid ones, that reach every directive, and broken ones."""

from random import Random
from typing import Any

NAMES = ("a", "b", "c", "km", "name", "tags")
TEXTS = (
    "",
    "x",
    "Ride Ended",
    "ÅRHUS é",
    "a.b-c+d",
    " ",
    "{{a}}",
    "$&",
    "0",
    "true",
    '{"a":[1,null]}',
    "[1",
    "aaAAa",
)
PATHS = (
    "a",
    "b.c",
    "tags",
    "tags[0]",
    "tags[1].a",
    "a.b.c",
    "name",
    "name.length",
    "['km']",
    "nowhere",
    "",
    "a..b",
    "tags.length",
)
LIQUIDS = (
    "Hello {{ name }}!",
    "{{ name | upcase }}",
    "{{ name | downcase | capitalize }}",
    "{% if a %}yes{% elsif b %}maybe{% else %}no{% endif %}",
    "{% if name == 'x' and km == 1 %}1{% endif %}",
    "{% unless nowhere %}{{ b.c }}{% endunless %}",
    "{% assign y = name | append: '!' %}{{ y | prepend: '>' }}",
    "{% capture z %}[{{ name }}]{% endcapture %}{{ z }}{{ z }}",
    "{{ name | replace: 'R', 'W' | size }}",
    "{{ name | default: 'none' }}",
    "{% comment %}{{ name }}{% endcomment %}{% raw %}{{ raw }}{% endraw %}",
    "{% echo name %}{% liquid\nassign q = b | upcase\necho q %}",
    "{{ nowhere.deeper }}{{ 'a,b,c' | split: ',' | join: '-' }}",
    "{{ 7 | plus: 3 }} {{ 10 | divided_by: 4 }} {{ 2.5 | times: 2 }} {{ 5 | modulo: 3 }} {{ -3 | abs }}",
    "{% assign t = name | append: '' %}{{ t | truncate: 6 }}{{ t | slice: 0, 2 }}{{ name | strip }}",
    "{{ 'a b' | url_encode }}{{ '<a>' | escape }}",
)


def event(random: Random) -> dict[str, Any]:
    """An event, or what might be one."""
    return {name: value(random, 3) for name in NAMES if random.random() < 0.8}


def value(random: Random, depth: int) -> Any:
    """Any JSON."""
    choice = random.randrange(10 if depth else 7)
    if choice < 3:
        return random.choice(TEXTS)
    if choice < 7:
        return random.choice((None, True, False, 0, 1, -5, 2.5, 1e21, 1e-7, 1234567.0))
    if choice == 7:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(NAMES): value(random, depth - 1) for _ in range(random.randrange(4))}


def mapping(random: Random, depth: int = 4) -> dict[str, Any]:
    """A valid mapping."""
    return {f"f{number}": part(random, depth) for number in range(random.randrange(1, 5))}


def part(random: Random, depth: int) -> Any:
    """A value of a mapping: often a directive."""
    choice = random.randrange(10)
    if choice < 2 or depth == 0:
        return value(random, 1)
    if choice == 2:
        return {random.choice(NAMES): part(random, depth - 1) for _ in range(random.randrange(3))}
    if choice == 3:
        return [part(random, depth - 1) for _ in range(random.randrange(3))]
    return directive(random, depth - 1)


def directive(random: Random, depth: int) -> dict[str, Any]:
    """A directive whose arguments are valid."""

    def inner() -> Any:
        return part(random, depth - 1) if depth > 0 else value(random, 1)

    def text() -> Any:
        return directive(random, depth - 1) if depth > 0 and random.random() < 0.6 else random.choice(TEXTS)

    def shape() -> dict[str, Any]:
        return (
            mapping(random, max(0, depth - 1))
            if random.random() < 0.7
            else directive(random, max(0, depth - 1))
        )

    name = random.choice(
        ["@path"] * 6
        + [
            "@template",
            "@literal",
            "@if",
            "@if",
            "@case",
            "@replace",
            "@arrayPath",
            "@flatten",
            "@json",
            "@merge",
        ]
        + ["@merge", "@transform", "@excludeWhenNull", "@liquid"]
    )
    match name:
        case "@path":
            argument: Any = random.choice(("$.", "")) + random.choice(PATHS)
            if depth > 0 and random.random() < 0.1:
                argument = directive(random, depth - 1)
        case "@template":
            argument = "-".join(
                random.choice(("{{%s}}", "{{{ %s }}}", "%s")) % random.choice(PATHS) for _ in range(3)
            )
        case "@literal" | "@excludeWhenNull":
            argument = inner()
        case "@if":
            test = "exists" if random.random() < 0.5 else "blank"
            argument = {test: directive(random, max(0, depth - 1)), "then": inner(), "else": inner()}
            if random.random() < 0.3:
                del argument[random.choice(("then", "else"))]
        case "@case":
            argument = {"operator": random.choice(("lower", "upper")), "value": text()}
        case "@replace":
            argument = {"pattern": random.choice(("a", "e", " ", ".", "true", "[", "1")), "value": text()}
            for key, choices in (
                ("replacement", ("", "X", "$&$&", "$$", "$1")),
                ("ignorecase", (True, False)),
                ("global", (True, False)),
                ("pattern2", ("X", "", "d")),
                ("replacement2", ("", "Y")),
            ):
                if random.random() < 0.5:
                    argument[key] = random.choice(choices)
        case "@arrayPath":
            first = (
                "$." + random.choice(PATHS) if random.random() < 0.8 else directive(random, max(0, depth - 1))
            )
            argument = [first, shape()] if random.random() < 0.8 else [first]
        case "@flatten":
            argument = {"value": inner(), "separator": random.choice((".", "_", "--"))}
            if random.random() < 0.5:
                argument["omitArrays"] = random.choice((True, False))
        case "@json":
            argument = {
                "mode": random.choice(("encode", "decode")),
                "value": directive(random, max(0, depth - 1)),
            }
        case "@merge":
            objects = [shape() for _ in range(random.randrange(4))]
            argument = {"direction": random.choice(("left", "right")), "objects": objects}
        case "@transform":
            argument = {"apply": shape(), "mapping": shape()}
        case _:
            argument = random.choice(LIQUIDS)
    return {name: argument}


def broken(random: Random) -> dict[str, Any]:
    """A mapping with something wrong near its top, where the package looks."""
    wrong: list[Any] = [
        {"@path": "$.a", "@case": {"operator": "lower", "value": "x"}},
        {"@path": "$.a", "other": 1},
        {"@nope": 1},
        {"@path": random.choice((1, None, True, [], {}))},
        {"@template": random.choice((1, None, False, ["{{a}}"], {"a": 1}))},
        {"@if": random.choice(([], "x", {"then": 1}, {"exists": "", "else": 2}, {"@path": "$.a"}))},
        {
            "@case": random.choice(
                ([], "x", {"value": "X"}, {"operator": "title", "value": "x"}, {"operator": 1})
            )
        },
        {
            "@replace": random.choice(
                ({}, {"pattern": ""}, {"pattern": "a" * 11, "value": "x"}, {"pattern": "a"})
            )
        },
        {
            "@replace": {
                "pattern": "a",
                "value": "x",
                **random.choice(({"global": 1}, {"replacement": "b" * 11})),
            }
        },
        {"@arrayPath": random.choice(("$.a", {}, [1], [{}]))},
        {"@flatten": random.choice(({}, {"value": 1}, {"separator": "."}, {"value": 1, "separator": ""}))},
        {
            "@json": random.choice(
                ({}, {"mode": "encode"}, {"mode": "x", "value": "x"}, {"mode": "decode", "value": 0})
            )
        },
        {"@merge": random.choice(([], {"objects": []}, {"objects": {}, "direction": "left"}))},
        {"@merge": {"objects": [{}, 1], "direction": "up"}},
        {"@transform": random.choice(({}, {"apply": {}}, {"apply": {}, "mapping": 1}, {"@path": "$.a"}))},
        {
            "@liquid": random.choice(
                (1, {}, "x" * 1001, "{% for a in b %}{% endfor %}", "{{ a | sort }}", "{{ a")
            )
        },
    ]
    return {"fine": {"@path": "$.a"}, "wrong": random.choice(wrong)}
