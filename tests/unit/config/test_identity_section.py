"""The section `[identity]`: off without it, rules of the graph with it, and a word for each slip."""

from typing import Any

import pytest

from router.config.load import load
from router.errors import ConfigError
from router.profiles import spaces_of
from router.rules.identity.limit import Limit


def config(**identity: Any) -> Any:
    sources = {
        "website": {"write_key": "one"},
        "app": {"write_key": "two", "workspace": "mobile"},
    }
    return load({"sources": sources, "identity": identity})


def problem(**identity: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**identity)
    [found] = caught.value.problems
    return found


def test_without_the_section_there_are_no_profiles() -> None:
    assert load({}).identity is None
    assert spaces_of(load({})) == {}


def test_an_empty_section_gives_every_workspace_a_space() -> None:
    found = spaces_of(config())

    assert {name: space for name, (space, _) in found.items()} == {
        "website": "default",
        "app": "mobile",
        "embedded": "default",
    }


def test_profiles_may_be_switched_off() -> None:
    assert spaces_of(config(enabled=False)) == {}


def test_rules_are_as_configured() -> None:
    rules = config(
        custom_types=["shopify_id"],
        priorities=["email", "user_id"],
        limits={"anonymous_id": {"per": "weekly"}, "shopify_id": {"count": 2}},
        blocked={"user_id": {"values": ["Void"], "patterns": ["^tmp-"]}, "*": {"values": ["test"]}},
        filters=['event = "Beat"'],
    ).identity.rules()

    assert rules.limit("anonymous_id") == Limit(5, "weekly")
    assert (rules.limit("shopify_id"), rules.limit("user_id")) == (Limit(2), Limit(1))
    assert sorted(["user_id", "anonymous_id", "email"], key=rules.rank) == [
        "email",
        "user_id",
        "anonymous_id",
    ]
    for value in ("void", "tmp-1", "TEST", "0000"):
        assert rules.is_blocked("user_id", value)
    assert not rules.is_blocked("email", "void")
    assert len(rules.filters) == 1


def test_the_suggested_blocks_may_go() -> None:
    assert not config(suggested_blocks=False).identity.rules().is_blocked("user_id", "0000")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"alias_merge": True}, 'identity.alias_merge: is not a known key; did you mean "alias_merges"?'),
        (
            {"limits": {"user_id": {"per": "daily"}}},
            'identity.limits.user_id.per: cannot be "daily"; known are',
        ),
        ({"limits": {"user_id": {"count": 0}}}, "identity.limits.user_id.count: must be 1 or more"),
        ({"limits": {"user_id": {"most": 1}}}, "identity.limits.user_id.most: is not a known key"),
        ({"limits": 7}, "identity.limits: must be a section"),
        ({"limits": {"emial": {}}}, 'identity.limits: there is no type "emial"; did you mean "email"?'),
        ({"priorities": ["user_id", "user_id"]}, "identity.priorities: names a type twice"),
        ({"priorities": ["foo"]}, 'identity.priorities: there is no type "foo"'),
        ({"custom_types": ["Foo"]}, 'identity.custom_types: "Foo" is not a type of identifiers'),
        ({"custom_types": ["email"]}, 'identity.custom_types: "email" is a type already'),
        (
            {"blocked": {"email": {"patterns": ["("]}}},
            'identity.blocked.email.patterns: "(" is not RE2 (missing ): ()',
        ),
        ({"blocked": {"e-mail": {}}}, 'identity.blocked: there is no type "e-mail"; did you mean "email"?'),
        ({"filters": ["type ="]}, 'identity.filters: "type =" is not FQL'),
        ({"filters": ['type = "track"'] * 11}, "identity.filters: has 11 filters; 10 at most"),
        ({"memory": "1KiB"}, "identity.memory: leaves no room for profiles"),
        ({"enabled": "yes"}, "identity.enabled: "),
    ],
)
def test_a_slip_is_named_with_its_remedy(section: dict[str, Any], expected: str) -> None:
    assert problem(**section).startswith(expected)


def test_a_section_that_is_no_table_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        load({"identity": 7})
    assert "identity: must be a section" in str(caught.value)
