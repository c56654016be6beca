"""`[privacy]` and `privacy` of a source: what is wrong is said with its place and the remedy."""

from collections.abc import Callable, Mapping

import pytest

from router.config.changes import changes
from router.config.load import load
from router.plugins.registry import Registry

SOURCE = '[sources.web]\nwrite_key = "k"\nprivacy = {}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            SOURCE.format('{ email = "mask" }'),
            "3:13: sources.web.privacy.email: is neither a class nor a path; write red, yellow, or a path below "
            'properties, traits, context: "traits.email"',
        ),
        (
            SOURCE.format('{ red = "hash" }'),
            '3:13: sources.web.privacy.red: needs a secret; set [privacy] secret = "env:PRIVACY_SECRET"',
        ),
        (
            SOURCE.format('{ "traits.email" = "encrypt" }'),
            '3:14: sources.web.privacy."traits.email": needs a key; set [privacy] key = "env:PRIVACY_KEY"',
        ),
        (
            '[privacy]\nkey = "c2hvcnQ="\n',
            "2: privacy.key: is not base64 of 32 bytes; make one, e.g. with openssl rand -base64 32",
        ),
        (
            '[privacy]\nred = ["ssn"]\ngreen = ["ssn"]\n',
            '3:11: privacy.green: "ssn" is red too; give each field one colour',
        ),
        ("[privacy]\nlook_every = 0\n", "2: privacy.look_every: must be 1 or more; 1 looks at every event"),
        ('[privacy]\nredd = ["x"]\n', '2: privacy.redd: is not a known key; did you mean "red"?'),
        (
            '[privacy.matchers.a]\ncolour = "green"\n',
            '2:11: privacy.matchers.a.colour: cannot be "green"; known are red, yellow',
        ),
        (
            '[privacy.matchers.a]\ncolour = "red"\npattern = "x"\n',
            '3: privacy.matchers.a.pattern: goes with on = "value"; write both, or neither',
        ),
        (
            '[privacy.matchers.a]\ncolour = "red"\non = "value"\npattern = "(?=x)"\n',
            "4:12: privacy.matchers.a.pattern: is not RE2 (invalid perl operator: (?=); "
            "there is no look-around and no back-reference",
        ),
        ("privacy = 7\n", "1: privacy: must be a section, not a number; write [privacy]"),
    ],
)
def test_what_is_wrong_is_said(problems: Callable[..., list[str]], text: str, line: str) -> None:
    assert problems(text) == [f"router.toml:{line}"]


def matchers(count: int) -> Mapping[str, Mapping[str, str]]:
    """So many of one's own."""
    return {f"m{number}": {"colour": "red"} for number in range(count)}


def test_privacy_03_a_hundred_matchers_are_taken_and_one_more_is_refused(
    registry: Registry, problems: Callable[..., list[str]]
) -> None:
    config = load({"privacy": {"matchers": matchers(100)}}, registry=registry)
    assert config.privacy is not None
    assert len(config.privacy.matchers) == 100

    text = "".join(f'[privacy.matchers.{name}]\ncolour = "red"\n' for name in matchers(101))
    assert problems(text) == [
        "router.toml:1: privacy.matchers: are 101; 100 at most; remove some, or use synonyms"
    ]


def test_another_colour_is_a_change_of_the_sources_with_controls(registry: Registry) -> None:
    sources = {
        "guarded": {"write_key": "a", "privacy": {"red": "block"}},
        "open": {"write_key": "b"},
    }
    old, new = (
        load({"sources": sources, "privacy": {"red": red}}, registry=registry)
        for red in (["ssn"], ["ssn", "pin"])
    )

    assert changes(old, new).sources == ("guarded",)
    assert "mask" not in repr(old.privacy)


def test_secrets_of_the_section_are_not_shown(registry: Registry) -> None:
    config = load({"privacy": {"secret": "env:S"}}, registry=registry, environ={"S": "s3cret"})

    assert config.privacy is not None
    assert config.privacy.secret.reveal() == "s3cret"
    assert "s3cret" not in repr(config)
