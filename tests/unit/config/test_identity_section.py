"""The section `[identity]`: off without it, rules of the graph with it, and a word for each slip."""

from typing import Any

import pytest
from msgspec.structs import replace

from router.assembly.profiles import spaces_of
from router.config.load import load
from router.errors import ConfigError
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


def of_mobile(**own: Any) -> Any:
    return config(
        custom_types=["shopify_id"],
        limits={"anonymous_id": {"count": 3}, "shopify_id": {"count": 2}},
        blocked={"*": {"values": ["void"]}, "email": {"values": ["a@b.c"]}},
        filters=["event = 'Beat'"],
        spaces={"mobile": own},
    )


def test_a_space_may_have_rules_of_its_own_over_the_common_ones() -> None:
    found = spaces_of(
        of_mobile(
            alias_merges=False,
            custom_types=["device"],
            priorities=["device", "user_id"],
            limits={"anonymous_id": {"count": 9}, "device": {"count": 1}},
            blocked={"email": {"values": ["x@y.z"]}},
            filters=[],
            email_from_properties=True,
            suggested_blocks=False,
        )
    )
    (_, common), (space, mobile) = found["website"], found["app"]

    assert space == "mobile"
    assert found["embedded"][1] == common
    assert (common.alias_merges, mobile.alias_merges) == (True, False)
    assert (common.custom_types, mobile.custom_types) == (("shopify_id",), ("device",))
    assert [one.limit("anonymous_id").count for one in (common, mobile)] == [3, 9]
    assert (mobile.limit("device").count, mobile.limit("shopify_id").count) == (1, 2)
    assert [len(one.filters) for one in (common, mobile)] == [1, 0]
    assert common.is_blocked("email", "a@b.c")
    assert not mobile.is_blocked("email", "a@b.c")
    assert mobile.is_blocked("email", "x@y.z")
    assert mobile.is_blocked("email", "void")
    assert not mobile.is_blocked("email", "0000")


def test_a_space_that_says_nothing_has_the_common_rules() -> None:
    found = spaces_of(of_mobile())
    rules, mobile = found["website"][1], found["app"][1]

    assert replace(mobile, blocked={}) == replace(rules, blocked={})
    assert mobile.is_blocked("email", "a@b.c")
    assert mobile.is_blocked("user_id", "0000")


def test_a_space_may_be_without_profiles() -> None:
    assert sorted(spaces_of(config(spaces={"mobile": {"enabled": False}}))) == ["embedded", "website"]
    assert sorted(spaces_of(config(enabled=False, spaces={"mobile": {"enabled": True}}))) == ["app"]


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        (7, "identity.spaces: must be sections"),
        ({"mobile": 7}, "identity.spaces.mobile: must be a section"),
        ({"mobil": {}}, 'identity.spaces.mobil: is the workspace of no source; did you mean "mobile"?'),
        ({"mobile": {"memory": "2MiB"}}, "identity.spaces.mobile.memory: is not a known key"),
        ({"mobile": {"limits": {"user_id": {"count": 0}}}}, "identity.spaces.mobile.limits.user_id.count: must be"),
        ({"mobile": {"priorities": ["foo"]}}, 'identity.spaces.mobile.priorities: there is no type "foo"'),
        ({"mobile": {"filters": ["profile.id = 1"]}}, "identity.spaces.mobile.filters: looks at profile.id"),
    ],
)  # fmt: skip
def test_a_slip_in_the_rules_of_a_space_is_named_there(spaces: Any, expected: str) -> None:
    assert problem(spaces=spaces).startswith(expected)


def test_what_is_wrong_for_all_is_said_once() -> None:
    assert problem(priorities=["foo"], spaces={"mobile": {}}).startswith("identity.priorities: ")
